import { attrString, attrU32, splitBody } from './attr.ts';
import { CodecError, NetlinkError } from './error.ts';
import { NLM_F_CREATE, NLM_F_ECHO, NLM_F_EXCL, type Request } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** RTM_*QDISC: struct tcmsg { u8 family, 3 pad; s32 ifindex; u32 handle, parent, info } and TCA_*. */
const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_GETQDISC = 38;
const ENOENT = 2;
const TCMSG = 20;
const TCA_KIND = 1;
const TCA_INGRESS_BLOCK = 13;
const TCA_EGRESS_BLOCK = 14;

/** Where clsact hangs; its two hooks are the parents of filters. */
export const TC_H_CLSACT = 0xfffffff1;
const CLSACT_HANDLE = 0xffff0000;

/** Filter blocks that a clsact shares with other devices, by number; null where its filters are its own. */
export interface Blocks {
  readonly ingress: number | null;
  readonly egress: number | null;
}

export interface Qdisc {
  readonly ifindex: number;
  readonly kind: string;
  readonly handle: number;
  readonly parent: number;
  readonly blocks: Blocks;
}

export function encodeTc(
  message: { ifindex: number; handle: number; parent: number; info: number },
  attrs: readonly Buffer[] = [],
): Buffer {
  const header = Buffer.alloc(TCMSG);
  header.writeInt32LE(message.ifindex, 4);
  header.writeUInt32LE(message.handle, 8);
  header.writeUInt32LE(message.parent, 12);
  header.writeUInt32LE(message.info, 16);
  return Buffer.concat([header, ...attrs]);
}

export function encodeQdisc({ ifindex, handle, parent, kind, blocks }: Qdisc): Buffer {
  const attrs = [attrString(TCA_KIND, kind)];
  if (blocks.ingress !== null) attrs.push(attrU32(TCA_INGRESS_BLOCK, blocks.ingress));
  if (blocks.egress !== null) attrs.push(attrU32(TCA_EGRESS_BLOCK, blocks.egress));
  return encodeTc({ ifindex, handle, parent, info: 0 }, attrs);
}

export function decodeQdisc(body: Buffer): Qdisc {
  const { header, attrs } = splitBody(body, TCMSG);
  const kind = attrs.string(TCA_KIND);
  if (kind === null) throw new CodecError('A qdisc message without a kind');
  return {
    ifindex: header.readInt32LE(4),
    kind,
    handle: header.readUInt32LE(8),
    parent: header.readUInt32LE(12),
    blocks: { ingress: attrs.u32(TCA_INGRESS_BLOCK), egress: attrs.u32(TCA_EGRESS_BLOCK) },
  };
}

const ownFilters: Blocks = { ingress: null, egress: null };

function clsact(op: string, type: number, flags: number, ifindex: number, blocks = ownFilters): Request {
  const handle = CLSACT_HANDLE;
  const body = encodeQdisc({ ifindex, kind: 'clsact', handle, parent: TC_H_CLSACT, blocks });
  return { op, object: `ifindex ${ifindex}`, type, flags, body };
}

/** EEXIST when the device has one, whatever its blocks. A block lives while a qdisc refers to it. */
export const addClsactRequest = (ifindex: number, blocks = ownFilters): Request =>
  clsact('Add clsact to device', RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex, blocks);

export function addClsact(socket: NetlinkSocket, ifindex: number): void {
  socket.request(addClsactRequest(ifindex));
}

/** Takes all its filters along, so only where every one of them is the caller's. */
export function deleteClsact(socket: NetlinkSocket, ifindex: number): void {
  socket.request(clsact('Delete clsact of device', RTM_DELQDISC, 0, ifindex));
}

/** The clsact, or ingress, qdisc of a device; null when it has none. */
export function findClsact(socket: NetlinkSocket, ifindex: number): Qdisc | null {
  try {
    // Without NLM_F_ECHO the kernel tells everybody who listens, but not who asks.
    const [found] = socket.request({
      op: 'Find clsact of device',
      object: `ifindex ${ifindex}`,
      type: RTM_GETQDISC,
      flags: NLM_F_ECHO,
      body: encodeTc({ ifindex, handle: 0, parent: TC_H_CLSACT, info: 0 }),
    });
    return found === undefined ? null : decodeQdisc(found.body);
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENOENT) return null;
    throw error;
  }
}

/** Of one device, or of all (ifindex null). */
export function listQdiscs(socket: NetlinkSocket, ifindex: number | null): Qdisc[] {
  // The kernel lists all devices whatever the header says.
  const replies = socket.dump({
    op: 'List qdiscs',
    object: ifindex === null ? 'all' : `ifindex ${ifindex}`,
    type: RTM_GETQDISC,
    flags: 0,
    body: encodeTc({ ifindex: 0, handle: 0, parent: 0, info: 0 }),
  });
  return replies
    .map((reply) => decodeQdisc(reply.body))
    .filter((qdisc) => ifindex === null || qdisc.ifindex === ifindex);
}
