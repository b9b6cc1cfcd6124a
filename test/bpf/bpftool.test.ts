import { afterAll, describe, expect, test } from '@jest/globals';
import { PerCpuMap } from '../../loader/map-percpu.ts';
import { BpfMap } from '../../loader/map.ts';
import { BpfObject } from '../../loader/object.ts';
import { makePinDirectory } from '../../loader/pin.ts';
import {
  counter,
  counterKey,
  DeviceEnd,
  Direction,
  DropReason,
  Hook,
  HopAct,
  HopFlag,
} from '../../maps/layouts.gen.ts';
import { tables, u32 } from '../../maps/table.ts';
import { bindMaps } from '../../src/dataplane/kernel-maps.ts';
import { failOnLeakedFds } from '../fds.ts';
import { run } from '../pods.ts';
import { objectPath, skipLost } from './hop-object.ts';

// An independent reader and writer of the same pinned maps: what both sides agree on is the contract.

const directory = '/sys/fs/bpf/contract';
makePinDirectory(directory);
for (const name of ['tc_hop', 'xdp_hop', 'lost']) {
  const object = BpfObject.open({ path: objectPath(name) });
  const maps = bindMaps(object, directory, { hops: 64, counters: 64, drops: 64, watched: 64 });
  skipLost(object);
  object.load();
  maps.loaded();
  object.close();
}
const pinned = (name: string): BpfMap => BpfMap.openPinned(`${directory}/${name}`);
const hops = tables.hops(pinned('hops'));
const counters = tables.counters(pinned('counters'));
const drops = tables.drops(pinned('drops'));
const watched = tables.watched(pinned('watched'));
const node = tables.node(pinned('node'));
const ports = tables.ports(pinned('ports'));
afterAll(() => {
  for (const table of [hops, counters, drops, watched, node, ports]) table.close();
});

/** What `bpftool map dump pinned` prints, in the form with types applied. */
function dump(name: string): unknown[] {
  const printed = JSON.parse(run('bpftool', '-j', 'map', 'dump', 'pinned', `${directory}/${name}`)) as {
    formatted?: unknown;
  }[];
  return printed.map((entry) => entry.formatted ?? entry);
}

const hex = (bytes: Buffer): string[] => [
  'hex',
  ...Array.from(bytes, (b) => b.toString(16).padStart(2, '0')),
];
const write = (name: string, key: Buffer, value: Buffer): void => {
  const path = `${directory}/${name}`;
  run('bpftool', 'map', 'update', 'pinned', path, 'key', ...hex(key), 'value', ...hex(value));
};

describe('what our codec writes, bpftool prints with names', () => {
  test('hops', () => {
    hops.set(
      { ifindex: 5, vlan: 4094, hook: Hook.HOOK_EGRESS, zone: 3 },
      {
        act: HopAct.HOP_PEER,
        out: 7,
        wire: 0xfffffffe,
        tunnel: 9,
        dmac: Buffer.from('02aabbccddee', 'hex'),
        direction: Direction.RIGHT_TO_LEFT,
        flags: HopFlag.HOP_F_DMAC,
        reason: DropReason.DROP_PORT_DOWN,
      },
    );
    expect(dump('hops')).toEqual([
      {
        key: { ifindex: 5, vlan: 4094, hook: 'HOOK_EGRESS', zone: 3 },
        value: {
          act: 'HOP_PEER',
          out: 7,
          wire: 0xfffffffe,
          tunnel: 9,
          dmac: [0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee],
          direction: 'RIGHT_TO_LEFT',
          flags: 1,
          reason: 'DROP_PORT_DOWN',
          spare: Array(39).fill(0),
        },
      },
    ]);
  });

  test('counters, one value for each CPU', () => {
    const cpus = new PerCpuMap(counters.map);
    const key = { wire: 3, direction: Direction.RIGHT_TO_LEFT };
    counters.make(key);
    const values = (counters.get(key) ?? []).map((_, cpu) => ({
      packets: BigInt(cpu + 1),
      segments: 2n,
      bytes: 3n,
    }));
    cpus.set(
      counterKey.encode(key),
      values.map((value) => counter.encode(value)),
    );
    expect(dump('counters')).toEqual([
      {
        key: { wire: 3, direction: 'RIGHT_TO_LEFT', pad: [0, 0, 0] },
        values: values.map((_, cpu) => ({ cpu, value: { packets: cpu + 1, segments: 2, bytes: 3 } })),
      },
    ]);
  });

  test('drops', () => {
    drops.set(
      {
        wire: 3,
        direction: Direction.LEFT_TO_RIGHT,
        reason: DropReason.DROP_LOST_AFTER_REDIRECT,
        kernelReason: 513,
      },
      { packets: 5_000_000_000n },
    );
    expect(dump('drops')).toEqual([
      {
        key: { wire: 3, direction: 'LEFT_TO_RIGHT', reason: 'DROP_LOST_AFTER_REDIRECT', kernel_reason: 513 },
        value: { packets: 5_000_000_000 },
      },
    ]);
  });

  test('watched', () => {
    watched.set(
      { netns: 4026532000, ifindex: 2 },
      { wire: 3, direction: Direction.LEFT_TO_RIGHT, end: DeviceEnd.END_POD },
    );
    expect(dump('watched')).toEqual([
      {
        key: { netns: 4026532000, ifindex: 2 },
        value: { wire: 3, direction: 'LEFT_TO_RIGHT', end: 'END_POD', pad: 0 },
      },
    ]);
  });

  test('node', () => {
    node.set(0, { nextWire: 42 });
    expect(dump('node')).toEqual([{ key: 0, value: { next_wire: 42, spare: Array(60).fill(0) } }]);
  });

  test('ports: bytes without names, since the kernel takes no types for a devmap', () => {
    // The kernel lets a devmap refer to devices that exist, and lo always does.
    ports.set(1, 1);
    expect(dump('ports')).toEqual([
      { key: ['0x01', '0x00', '0x00', '0x00'], value: ['0x01', '0x00', '0x00', '0x00'] },
    ]);
  });
});

describe('what bpftool writes, our codec reads', () => {
  test('hops', () => {
    const value = Buffer.alloc(64);
    // HOP_REDIRECT, out 258, wire 3, tunnel 0, dmac, RIGHT_TO_LEFT, flags, DROP_CLOSING
    Buffer.from(
      '02000000'.concat('02010000', '03000000', '00000000', '0102030405ff', '01', '01', '02'),
      'hex',
    ).copy(value);
    write('hops', Buffer.from('0900000000000000', 'hex'), value);
    expect(hops.get({ ifindex: 9, vlan: 0, hook: Hook.HOOK_INGRESS, zone: 0 })).toEqual({
      act: HopAct.HOP_REDIRECT,
      out: 258,
      wire: 3,
      tunnel: 0,
      dmac: Buffer.from('0102030405ff', 'hex'),
      direction: Direction.RIGHT_TO_LEFT,
      flags: HopFlag.HOP_F_DMAC,
      reason: DropReason.DROP_CLOSING,
    });
  });

  test('counters: bpftool gives every CPU the same value', () => {
    const value = Buffer.from('01000000000000000200000000000000ffffffffffffffff', 'hex');
    write('counters', Buffer.from('0700000000000000', 'hex'), value);
    const read = counters.get({ wire: 7, direction: Direction.LEFT_TO_RIGHT });
    expect(new Set(read?.map(({ packets, segments, bytes }) => `${packets} ${segments} ${bytes}`))).toEqual(
      new Set([`1 2 ${2n ** 64n - 1n}`]),
    );
  });

  test('drops', () => {
    write('drops', Buffer.from('0700000001050000', 'hex'), Buffer.from('0900000000000000', 'hex'));
    expect(
      drops.get({
        wire: 7,
        direction: Direction.RIGHT_TO_LEFT,
        reason: DropReason.DROP_NO_PORT,
        kernelReason: 0,
      }),
    ).toEqual({ packets: 9n });
  });

  test('watched', () => {
    write('watched', Buffer.from('010000f002000000', 'hex'), Buffer.from('0700000001000000', 'hex'));
    expect(watched.get({ netns: 0xf0000001, ifindex: 2 })).toEqual({
      wire: 7,
      direction: Direction.RIGHT_TO_LEFT,
      end: DeviceEnd.END_HOST,
    });
  });

  test('node and ports', () => {
    write('node', u32.encode(0), Buffer.concat([u32.encode(77), Buffer.alloc(60)]));
    expect(node.get(0)).toEqual({ nextWire: 77 });
    write('ports', u32.encode(6), u32.encode(1));
    expect(ports.get(6)).toBe(1);
  });
});

failOnLeakedFds();
