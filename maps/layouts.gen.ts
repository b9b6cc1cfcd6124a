// Generated from maps/*.h by npm run gen; not for editing.
import { bytes, sized, type Layout } from './layout.ts';

/** enum hop_flag */
export const HopFlag = {
  HOP_F_DMAC: 1,
} as const;
export type HopFlag = (typeof HopFlag)[keyof typeof HopFlag];

/** enum hook */
export const Hook = {
  HOOK_INGRESS: 0,
  HOOK_EGRESS: 1,
} as const;
export type Hook = (typeof Hook)[keyof typeof Hook];

/** enum hop_act */
export const HopAct = {
  HOP_DROP: 0,
  HOP_PASS: 1,
  HOP_REDIRECT: 2,
  HOP_PEER: 3,
  HOP_ENCAP: 4,
  HOP_BRIDGE: 5,
  HOP_RELAY: 6,
} as const;
export type HopAct = (typeof HopAct)[keyof typeof HopAct];

/** enum direction */
export const Direction = {
  LEFT_TO_RIGHT: 0,
  RIGHT_TO_LEFT: 1,
} as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

/** enum drop_reason */
export const DropReason = {
  DROP_NONE: 0,
  DROP_NO_HOP: 1,
  DROP_CLOSING: 2,
  DROP_PORT_DOWN: 3,
  DROP_UNKNOWN_ACT: 4,
  DROP_NO_PORT: 5,
  DROP_LOST_AFTER_REDIRECT: 6,
} as const;
export type DropReason = (typeof DropReason)[keyof typeof DropReason];

/** enum device_end */
export const DeviceEnd = {
  END_HOST: 0,
  END_POD: 1,
} as const;
export type DeviceEnd = (typeof DeviceEnd)[keyof typeof DeviceEnd];

/** struct hop_key, 8 bytes */
export interface HopKey {
  ifindex: number;
  vlan: number;
  hook: Hook;
  zone: number;
}
export const hopKey: Layout<HopKey> = {
  name: 'hop_key',
  size: 8,
  encode(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeUInt32LE(value.ifindex, 0);
    buffer.writeUInt16LE(value.vlan, 4);
    buffer.writeUInt8(value.hook, 6);
    buffer.writeUInt8(value.zone, 7);
    return buffer;
  },
  decode(buffer) {
    sized(buffer, 8, 'hop_key');
    return {
      ifindex: buffer.readUInt32LE(0),
      vlan: buffer.readUInt16LE(4),
      hook: buffer.readUInt8(6) as Hook,
      zone: buffer.readUInt8(7),
    };
  },
};

/** struct hop, 64 bytes */
export interface Hop {
  act: HopAct;
  out: number;
  wire: number;
  tunnel: number;
  dmac: Buffer;
  direction: Direction;
  flags: number;
  reason: DropReason;
}
export const hop: Layout<Hop> = {
  name: 'hop',
  size: 64,
  encode(value) {
    const buffer = Buffer.alloc(64);
    buffer.writeUInt32LE(value.act, 0);
    buffer.writeUInt32LE(value.out, 4);
    buffer.writeUInt32LE(value.wire, 8);
    buffer.writeUInt32LE(value.tunnel, 12);
    bytes(value.dmac, 6, 'hop.dmac').copy(buffer, 16);
    buffer.writeUInt8(value.direction, 22);
    buffer.writeUInt8(value.flags, 23);
    buffer.writeUInt8(value.reason, 24);
    return buffer;
  },
  decode(buffer) {
    sized(buffer, 64, 'hop');
    return {
      act: buffer.readUInt32LE(0) as HopAct,
      out: buffer.readUInt32LE(4),
      wire: buffer.readUInt32LE(8),
      tunnel: buffer.readUInt32LE(12),
      dmac: Buffer.from(buffer.subarray(16, 22)),
      direction: buffer.readUInt8(22) as Direction,
      flags: buffer.readUInt8(23),
      reason: buffer.readUInt8(24) as DropReason,
    };
  },
};

/** struct counter_key, 8 bytes */
export interface CounterKey {
  wire: number;
  direction: Direction;
}
export const counterKey: Layout<CounterKey> = {
  name: 'counter_key',
  size: 8,
  encode(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeUInt32LE(value.wire, 0);
    buffer.writeUInt8(value.direction, 4);
    return buffer;
  },
  decode(buffer) {
    sized(buffer, 8, 'counter_key');
    return {
      wire: buffer.readUInt32LE(0),
      direction: buffer.readUInt8(4) as Direction,
    };
  },
};

/** struct counter, 24 bytes */
export interface Counter {
  packets: bigint;
  segments: bigint;
  bytes: bigint;
}
export const counter: Layout<Counter> = {
  name: 'counter',
  size: 24,
  encode(value) {
    const buffer = Buffer.alloc(24);
    buffer.writeBigUInt64LE(value.packets, 0);
    buffer.writeBigUInt64LE(value.segments, 8);
    buffer.writeBigUInt64LE(value.bytes, 16);
    return buffer;
  },
  decode(buffer) {
    sized(buffer, 24, 'counter');
    return {
      packets: buffer.readBigUInt64LE(0),
      segments: buffer.readBigUInt64LE(8),
      bytes: buffer.readBigUInt64LE(16),
    };
  },
};

/** struct drop_key, 8 bytes */
export interface DropKey {
  wire: number;
  direction: Direction;
  reason: DropReason;
  kernelReason: number;
}
export const dropKey: Layout<DropKey> = {
  name: 'drop_key',
  size: 8,
  encode(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeUInt32LE(value.wire, 0);
    buffer.writeUInt8(value.direction, 4);
    buffer.writeUInt8(value.reason, 5);
    buffer.writeUInt16LE(value.kernelReason, 6);
    return buffer;
  },
  decode(buffer) {
    sized(buffer, 8, 'drop_key');
    return {
      wire: buffer.readUInt32LE(0),
      direction: buffer.readUInt8(4) as Direction,
      reason: buffer.readUInt8(5) as DropReason,
      kernelReason: buffer.readUInt16LE(6),
    };
  },
};

/** struct drop, 8 bytes */
export interface Drop {
  packets: bigint;
}
export const drop: Layout<Drop> = {
  name: 'drop',
  size: 8,
  encode(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(value.packets, 0);
    return buffer;
  },
  decode(buffer) {
    sized(buffer, 8, 'drop');
    return {
      packets: buffer.readBigUInt64LE(0),
    };
  },
};

/** struct watched_key, 8 bytes */
export interface WatchedKey {
  netns: number;
  ifindex: number;
}
export const watchedKey: Layout<WatchedKey> = {
  name: 'watched_key',
  size: 8,
  encode(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeUInt32LE(value.netns, 0);
    buffer.writeUInt32LE(value.ifindex, 4);
    return buffer;
  },
  decode(buffer) {
    sized(buffer, 8, 'watched_key');
    return {
      netns: buffer.readUInt32LE(0),
      ifindex: buffer.readUInt32LE(4),
    };
  },
};

/** struct watched, 8 bytes */
export interface Watched {
  wire: number;
  direction: Direction;
  end: DeviceEnd;
}
export const watched: Layout<Watched> = {
  name: 'watched',
  size: 8,
  encode(value) {
    const buffer = Buffer.alloc(8);
    buffer.writeUInt32LE(value.wire, 0);
    buffer.writeUInt8(value.direction, 4);
    buffer.writeUInt8(value.end, 5);
    return buffer;
  },
  decode(buffer) {
    sized(buffer, 8, 'watched');
    return {
      wire: buffer.readUInt32LE(0),
      direction: buffer.readUInt8(4) as Direction,
      end: buffer.readUInt8(5) as DeviceEnd,
    };
  },
};

/** struct node, 64 bytes */
export interface Node {
  nextWire: number;
}
export const node: Layout<Node> = {
  name: 'node',
  size: 64,
  encode(value) {
    const buffer = Buffer.alloc(64);
    buffer.writeUInt32LE(value.nextWire, 0);
    return buffer;
  },
  decode(buffer) {
    sized(buffer, 64, 'node');
    return {
      nextWire: buffer.readUInt32LE(0),
    };
  },
};
