import { attrI32, splitBody } from './attr.ts';
import { NetlinkError } from './error.ts';
import type { Request } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/**
 * RTM_*NSID: the numbers by which one namespace calls others in link messages and notifications. struct
 * rtgenmsg { u8 family } and NETNSA_*.
 */
export const RTM_NEWNSID = 88;
export const RTM_DELNSID = 89;
const RTM_GETNSID = 90;
const RTGENMSG = 1;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;

const NOT_ASSIGNED = -1;
const EEXIST = 17;

/** null: not assigned. */
export function decodeNsid(body: Buffer): number | null {
  const nsid = splitBody(body, RTGENMSG).attrs.i32(NETNSA_NSID);
  return nsid === null || nsid === NOT_ASSIGNED ? null : nsid;
}

/** By fd (borrowed), or as the kernel tells it by number. */
export function encodeNsid(
  which: { readonly fd: number } | { readonly nsid: number },
  assign = false,
): Buffer {
  const header = Buffer.alloc(4);
  if ('nsid' in which) return Buffer.concat([header, attrI32(NETNSA_NSID, which.nsid)]);
  // -1 lets the kernel choose.
  const choose = assign ? [attrI32(NETNSA_NSID, NOT_ASSIGNED)] : [];
  return Buffer.concat([header, attrI32(NETNSA_FD, which.fd), ...choose]);
}

function request(op: string, type: number, fd: number, assign: boolean): Request {
  return { op, object: `fd ${fd}`, type, flags: 0, body: encodeNsid({ fd }, assign) };
}

/** What the socket's namespace calls the one behind the fd; null if it has no number yet. */
export function nsidOf(socket: NetlinkSocket, fd: number): number | null {
  const [reply] = socket.request(request('Look up namespace id', RTM_GETNSID, fd, false));
  return reply === undefined ? null : decodeNsid(reply.body);
}

/** The same, giving it a number if it has none: a monitor hears only namespaces that have one. */
export function assignNsid(socket: NetlinkSocket, fd: number): number {
  const known = nsidOf(socket, fd);
  if (known !== null) return known;
  try {
    socket.request(request('Assign namespace id', RTM_NEWNSID, fd, true));
  } catch (error) {
    // Somebody was quicker, which is as good.
    if (!(error instanceof NetlinkError && error.errno === EEXIST)) throw error;
  }
  const nsid = nsidOf(socket, fd);
  if (nsid === null)
    throw new NetlinkError('Assign namespace id', `fd ${fd}`, EEXIST, 'It has none afterwards');
  return nsid;
}
