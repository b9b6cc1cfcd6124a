import { listAddresses } from './addr.ts';
import { splitBody } from './attr.ts';
import { NetlinkError } from './error.ts';
import { AF_INET6, formatIp, ipBytes } from './ip.ts';
import type { NetlinkSocket } from './socket.ts';

/** RTM_GETMULTICAST: struct ifaddrmsg { u8 family, prefix, flags, scope; u32 ifindex } and IFA_MULTICAST. */
const RTM_GETMULTICAST = 58;
const IFADDRMSG = 8;
const IFA_MULTICAST = 7;
const EOPNOTSUPP = 95;

/** The IPv6 groups a device hears. None where the kernel has no IPv6. */
export function listGroups6(socket: NetlinkSocket, ifindex: number): string[] {
  const body = Buffer.alloc(IFADDRMSG);
  body.writeUInt8(AF_INET6, 0);
  body.writeUInt32LE(ifindex, 4);
  const object = `ifindex ${ifindex}`;
  try {
    return socket
      .dump({ op: 'List multicast groups', object, type: RTM_GETMULTICAST, flags: 0, body })
      .map((reply) => splitBody(reply.body, IFADDRMSG))
      .filter(({ header }) => header.readUInt32LE(4) === ifindex)
      .flatMap(({ attrs }) => attrs.bytes(IFA_MULTICAST) ?? [])
      .map(formatIp);
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === EOPNOTSUPP) return [];
    throw error;
  }
}

const solicitedNode = Buffer.from('ff0200000000000000000001ff', 'hex');

/** The group that neighbour discovery asks for an address: it ends in the address's last 24 bits (RFC 4291). */
export const solicitedNodeGroup = (address: string): string =>
  formatIp(Buffer.concat([solicitedNode, ipBytes(address).subarray(13)]));

/** Whether a device hears neighbour discovery for each IPv6 address it has: a work queue joins the groups. */
export function hearsSolicitations(socket: NetlinkSocket, ifindex: number): boolean {
  const addresses = listAddresses(socket, ifindex, { family: 6 });
  if (addresses.length === 0) return true;
  const groups = new Set(listGroups6(socket, ifindex));
  return addresses.every(({ cidr }) => groups.has(solicitedNodeGroup(cidr.address)));
}
