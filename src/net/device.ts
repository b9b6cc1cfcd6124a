import { NetlinkError } from './error.ts';
import {
  decodeLink,
  encodeGetLink,
  encodeLink,
  encodeVeth,
  groupOf,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_SETLINK,
  type Device,
  type LinkChange,
  type OffloadSizes,
} from './link.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type Message, type Request } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** Net devices in the namespace of the socket they are asked through. */
const ENODEV = 19;
const ERANGE = 34;
const EINVAL = 22;

export interface VethEnd {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
}

export interface VethSpec extends VethEnd {
  readonly group: number;
  /** Set on both ends. null: the kernel's defaults. */
  readonly gso: OffloadSizes | null;
  /** netnsFd null: in the namespace of the socket. Otherwise born there; the fd is borrowed. */
  readonly peer: VethEnd & { readonly netnsFd: number | null };
}

export interface VethPair {
  readonly device: Device;
  /** In the namespace of `peer.netnsFd`. */
  readonly peerIfindex: number;
  /** That namespace's id in the socket's namespace; null: the same. Assigned by the kernel with the pair. */
  readonly peerNetnsid: number | null;
}

const about = (ifindex: number): string => `ifindex ${ifindex}`;

export const getRequest = (which: { ifindex: number } | { name: string }, stats = false): Request => ({
  op: 'Look up device',
  object: 'name' in which ? which.name : about(which.ifindex),
  type: RTM_GETLINK,
  flags: 0,
  body: encodeGetLink(which, stats),
});

export const changeRequest = (op: string, ifindex: number, change: LinkChange): Request => ({
  op,
  object: about(ifindex),
  type: RTM_SETLINK,
  flags: 0,
  body: encodeLink(ifindex, change),
});

export const deleteRequest = (ifindex: number): Request => ({
  op: 'Delete device',
  object: about(ifindex),
  type: RTM_DELLINK,
  flags: 0,
  body: encodeLink(ifindex, {}),
});

export function vethRequest(spec: VethSpec): Request {
  const sizes = spec.gso === null ? {} : { sizes: spec.gso };
  const { name, mac, mtu, group, peer } = spec;
  const netns = peer.netnsFd === null ? {} : { netnsFd: peer.netnsFd };
  // Not asked, a kernel from 5.15 makes one per CPU, switches all but one off and waits for RCU, twice.
  const queues = 1;
  return {
    op: 'Create veth',
    object: name,
    type: RTM_NEWLINK,
    flags: NLM_F_CREATE | NLM_F_EXCL,
    body: encodeVeth(
      { name, mac, mtu, group, queues, ...sizes },
      { name: peer.name, mac: peer.mac, mtu: peer.mtu, queues, ...sizes, ...netns },
    ),
  };
}

/**
 * Both ends at once, both down. EEXIST does not say which name is taken: look both up. The kernel takes
 * no alias at creation: the next request is setAlias.
 */
export function createVeth(socket: NetlinkSocket, spec: VethSpec): VethPair {
  const [created, looked] = socket.batch([vethRequest(spec), getRequest({ name: spec.name })]);
  if (created?.ok === false) throw explained(created.error, spec.gso);
  if (looked?.ok === false) throw looked.error;
  const device = one(looked?.replies ?? []);
  if (device?.linkIfindex == null)
    throw new NetlinkError('Create veth', spec.name, ENODEV, 'The new device is gone already');
  return { device, peerIfindex: device.linkIfindex, peerNetnsid: device.linkNetnsid };
}

function explained(error: NetlinkError, sizes: OffloadSizes | null): NetlinkError {
  const large =
    sizes !== null && Math.max(sizes.gso, sizes.gro, sizes.gsoIpv4 ?? 0, sizes.groIpv4 ?? 0) > 65536;
  if (!large || (error.errno !== EINVAL && error.errno !== ERANGE)) return error;
  const hint = 'GSO and GRO sizes over 65536 need kernel 5.19 (IPv6) and 6.3 (IPv4)';
  return new NetlinkError(error.op, error.object, error.errno, error.extack, hint);
}

function one(replies: readonly Message[]): Device | null {
  const [reply] = replies;
  return reply === undefined ? null : decodeLink(reply.body);
}

/** In order; null where there is none. */
export function findDevices(
  socket: NetlinkSocket,
  which: readonly ({ ifindex: number } | { name: string })[],
  stats = false,
): (Device | null)[] {
  return socket.batch(which.map((each) => getRequest(each, stats))).map((result) => {
    if (result.ok) return one(result.replies);
    if (result.errno === ENODEV) return null;
    throw result.error;
  });
}

export const findByName = (socket: NetlinkSocket, name: string): Device | null =>
  findDevices(socket, [{ name }], true)[0] ?? null;

export const findByIndex = (socket: NetlinkSocket, ifindex: number): Device | null =>
  findDevices(socket, [{ ifindex }], true)[0] ?? null;

/** All devices, or those of one kind. Without statistics unless asked for. */
export function listDevices(
  socket: NetlinkSocket,
  { kind = null, stats = false }: { kind?: string | null; stats?: boolean } = {},
): Device[] {
  const replies = socket.dump({
    op: 'List devices',
    object: kind ?? 'all',
    type: RTM_GETLINK,
    flags: 0,
    body: encodeGetLink({ kind }, stats),
  });
  return replies.map((reply) => decodeLink(reply.body));
}

/** The devices of a group. Others, however many, are not taken apart. */
export function listGroup(socket: NetlinkSocket, group: number): Device[] {
  const replies = socket.dump({
    op: 'List devices of group',
    object: `${group}`,
    type: RTM_GETLINK,
    flags: 0,
    body: encodeGetLink({ kind: null }, false),
  });
  return replies.filter(({ body }) => groupOf(body) === group).map(({ body }) => decodeLink(body));
}

export function changeDevice(socket: NetlinkSocket, ifindex: number, change: LinkChange): void {
  socket.request(changeRequest('Change device', ifindex, change));
}

export const upRequest = (ifindex: number): Request =>
  changeRequest('Bring up device', ifindex, { up: true });

export function setUp(socket: NetlinkSocket, ifindex: number): void {
  socket.request(upRequest(ifindex));
}

export function setDown(socket: NetlinkSocket, ifindex: number): void {
  socket.request(changeRequest('Bring down device', ifindex, { up: false }));
}

/** At most 255 bytes; an empty alias removes it. */
export function setAlias(socket: NetlinkSocket, ifindex: number, alias: string): void {
  socket.request(changeRequest('Set alias of device', ifindex, { alias }));
}

export function setMac(socket: NetlinkSocket, ifindex: number, mac: string): void {
  socket.request(changeRequest('Set MAC of device', ifindex, { mac }));
}

export function setMtu(socket: NetlinkSocket, ifindex: number, mtu: number): void {
  socket.request(changeRequest('Set MTU of device', ifindex, { mtu }));
}

export function setGroup(socket: NetlinkSocket, ifindex: number, group: number): void {
  socket.request(changeRequest('Set group of device', ifindex, { group }));
}

/** EBUSY while the device is up on kernels that want it down. */
export function rename(socket: NetlinkSocket, ifindex: number, name: string): void {
  socket.request(changeRequest('Rename device', ifindex, { name }));
}

async function remove(socket: NetlinkSocket, request: Request): Promise<boolean> {
  try {
    await socket.requestAsync(request);
    return true;
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENODEV) return false;
    throw error;
  }
}

/**
 * On a pool thread: the kernel waits for RCU grace periods (tens of milliseconds). A veth takes its peer
 * along. false: there was no such device.
 */
export const deleteByIndex = (socket: NetlinkSocket, ifindex: number): Promise<boolean> =>
  remove(socket, deleteRequest(ifindex));

/**
 * Deletes every device of a group by one request: the grace periods are waited for once. The caller has
 * made sure that every member is its own. false: the group was empty.
 */
export function deleteGroup(socket: NetlinkSocket, group: number): Promise<boolean> {
  // Group 0 is where every device is born.
  if (!Number.isInteger(group) || group <= 0)
    throw new RangeError(`Group is ${group}: allowed is 1 to 4294967295`);
  return remove(socket, {
    op: 'Delete devices of group',
    object: `${group}`,
    type: RTM_DELLINK,
    flags: 0,
    body: encodeLink(0, { group }),
  });
}
