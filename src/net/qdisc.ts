import { attrString, splitBody } from './attr.ts';
import { CodecError } from './error.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type Request } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** RTM_*QDISC: struct tcmsg { u8 family, 3 pad; s32 ifindex; u32 handle, parent, info } and TCA_*. */
const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_GETQDISC = 38;
const TCMSG = 20;
const TCA_KIND = 1;

/** Where clsact hangs; its two hooks are the parents of filters. */
export const TC_H_CLSACT = 0xfffffff1;
const CLSACT_HANDLE = 0xffff0000;

export interface Qdisc {
  readonly ifindex: number;
  readonly kind: string;
  readonly handle: number;
  readonly parent: number;
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

export const encodeQdisc = ({ ifindex, handle, parent, kind }: Qdisc): Buffer =>
  encodeTc({ ifindex, handle, parent, info: 0 }, [attrString(TCA_KIND, kind)]);

export function decodeQdisc(body: Buffer): Qdisc {
  const { header, attrs } = splitBody(body, TCMSG);
  const kind = attrs.string(TCA_KIND);
  if (kind === null) throw new CodecError('A qdisc message without a kind');
  return {
    ifindex: header.readInt32LE(4),
    kind,
    handle: header.readUInt32LE(8),
    parent: header.readUInt32LE(12),
  };
}

function clsact(op: string, type: number, flags: number, ifindex: number): Request {
  const body = encodeQdisc({ ifindex, kind: 'clsact', handle: CLSACT_HANDLE, parent: TC_H_CLSACT });
  return { op, object: `ifindex ${ifindex}`, type, flags, body };
}

/** EEXIST when the device has one. */
export function addClsact(socket: NetlinkSocket, ifindex: number): void {
  socket.request(clsact('Add clsact to device', RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex));
}

/** Takes all its filters along, so only where every one of them is the caller's. */
export function deleteClsact(socket: NetlinkSocket, ifindex: number): void {
  socket.request(clsact('Delete clsact of device', RTM_DELQDISC, 0, ifindex));
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
