import { attr, attrU32, splitBody } from './attr.ts';
import { familyNumber, familyOf, formatIp, ipBytes, ipFamily } from './ip.ts';
import { formatMac, macBytes } from './mac.ts';
import { NLM_F_CREATE, NLM_F_REPLACE, type Request } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** RTM_*NEIGH: struct ndmsg { u8 family; u8, u16 pad; s32 ifindex; u16 state; u8 flags, type } and NDA_*. */
const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;
const NDMSG = 12;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_IFINDEX = 8;

const ENOENT = 2;

const states = {
  none: 0,
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const;
export type NeighbourState = keyof typeof states;

export interface Neighbour {
  readonly ifindex: number;
  readonly address: string;
  /** null while it is not resolved. */
  readonly mac: string | null;
  readonly state: NeighbourState;
}

export function encodeNeighbour(neighbour: Neighbour): Buffer {
  const header = Buffer.alloc(NDMSG);
  header.writeUInt8(familyNumber(ipFamily(neighbour.address)), 0);
  header.writeInt32LE(neighbour.ifindex, 4);
  header.writeUInt16LE(states[neighbour.state], 8);
  const mac = neighbour.mac === null ? [] : [attr(NDA_LLADDR, macBytes(neighbour.mac))];
  return Buffer.concat([header, attr(NDA_DST, ipBytes(neighbour.address)), ...mac]);
}

/** null: an entry of a family that is not IP, or without an address (a bridge's). */
export function decodeNeighbour(body: Buffer): Neighbour | null {
  const { header, attrs } = splitBody(body, NDMSG);
  const address = attrs.bytes(NDA_DST);
  if (familyOf(header.readUInt8(0)) === null || address === null) return null;
  const mac = attrs.bytes(NDA_LLADDR);
  const number = header.readUInt16LE(8);
  const names = Object.keys(states) as NeighbourState[];
  return {
    ifindex: header.readInt32LE(4),
    address: formatIp(address),
    mac: mac === null ? null : formatMac(mac),
    state: names.find((name) => states[name] === number) ?? 'none',
  };
}

function request(op: string, type: number, flags: number, neighbour: Neighbour): Request {
  return { op, object: neighbour.address, type, flags, body: encodeNeighbour(neighbour) };
}

/** A permanent entry; one that is there for the address is replaced. */
export const setNeighbourRequest = (ifindex: number, address: string, mac: string): Request =>
  request('Set neighbour', RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, {
    ifindex,
    address,
    mac,
    state: 'permanent',
  });

export function setNeighbour(socket: NetlinkSocket, ifindex: number, address: string, mac: string): void {
  socket.request(setNeighbourRequest(ifindex, address, mac));
}

export const deleteNeighbourRequest = (ifindex: number, address: string): Request =>
  request('Delete neighbour', RTM_DELNEIGH, 0, { ifindex, address, mac: null, state: 'none' });

/** ENOENT when there is none. */
export function deleteNeighbour(socket: NetlinkSocket, ifindex: number, address: string): void {
  socket.request(deleteNeighbourRequest(ifindex, address));
}

/** Of one device, or of all (ifindex null). */
export function listNeighbours(socket: NetlinkSocket, ifindex: number | null): Neighbour[] {
  const replies = socket.dump({
    op: 'List neighbours',
    object: ifindex === null ? 'all' : `ifindex ${ifindex}`,
    type: RTM_GETNEIGH,
    flags: 0,
    body: Buffer.concat([Buffer.alloc(NDMSG), ...(ifindex === null ? [] : [attrU32(NDA_IFINDEX, ifindex)])]),
  });
  return replies.map((reply) => decodeNeighbour(reply.body)).filter((neighbour) => neighbour !== null);
}

/** Those of a device with these addresses, in order; null where there is none. However many others there are. */
export function findNeighbours(
  socket: NetlinkSocket,
  ifindex: number,
  addresses: readonly string[],
): (Neighbour | null)[] {
  const asked = addresses.map((address) =>
    request('Find neighbour', RTM_GETNEIGH, 0, { ifindex, address, mac: null, state: 'none' }),
  );
  return socket.batch(asked).map((result) => {
    if (!result.ok) {
      if (result.errno === ENOENT) return null;
      throw result.error;
    }
    const [reply] = result.replies;
    return reply === undefined ? null : decodeNeighbour(reply.body);
  });
}
