import { attr, attrU32, splitBody } from './attr.ts';
import { formatCidr, type Cidr } from './cidr.ts';
import { CodecError } from './error.ts';
import { familyNumber, familyOf, formatIp, ipBytes, type Family } from './ip.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type Request } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** RTM_*ADDR: struct ifaddrmsg { u8 family, prefix, flags, scope; u32 ifindex } and IFA_*. */
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const IFADDRMSG = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;

const IFA_F_NODAD = 0x02;
const IFA_F_DADFAILED = 0x08;
const IFA_F_TENTATIVE = 0x40;
const IFA_F_PERMANENT = 0x80;
const IFA_F_NOPREFIXROUTE = 0x200;

export interface AddressSpec {
  readonly ifindex: number;
  readonly cidr: Cidr;
  /** The far end of a point-to-point address; the prefix is then the far end's. null for none. */
  readonly peer: string | null;
  /** IPv6: usable at once, without duplicate address detection. */
  readonly noDad: boolean;
  /** The kernel makes no route to the prefix. */
  readonly noPrefixRoute: boolean;
}

export interface Address extends AddressSpec {
  readonly scope: number;
  readonly permanent: boolean;
  /** IPv6: not usable yet, duplicate address detection runs. */
  readonly tentative: boolean;
  readonly dadFailed: boolean;
}

function header(family: Family | null, prefix: number, scope: number, ifindex: number): Buffer {
  const encoded = Buffer.alloc(IFADDRMSG);
  encoded.writeUInt8(family === null ? 0 : familyNumber(family), 0);
  encoded.writeUInt8(prefix, 1);
  encoded.writeUInt8(scope, 3);
  encoded.writeUInt32LE(ifindex, 4);
  return encoded;
}

export function encodeAddress(spec: AddressSpec): Buffer {
  const { cidr, peer } = spec;
  const local = ipBytes(cidr.address);
  const flags = (spec.noDad ? IFA_F_NODAD : 0) | (spec.noPrefixRoute ? IFA_F_NOPREFIXROUTE : 0);
  return Buffer.concat([
    header(cidr.family, cidr.prefix, 0, spec.ifindex),
    attr(IFA_LOCAL, local),
    attr(IFA_ADDRESS, peer === null ? local : ipBytes(peer)),
    ...(flags === 0 ? [] : [attrU32(IFA_FLAGS, flags)]),
  ]);
}

/** null: an address of a family that is not IP. */
export function decodeAddress(body: Buffer): Address | null {
  const { header, attrs } = splitBody(body, IFADDRMSG);
  const family = familyOf(header.readUInt8(0));
  if (family === null) return null;
  const far = attrs.bytes(IFA_ADDRESS);
  const local = attrs.bytes(IFA_LOCAL) ?? far;
  if (local === null) throw new CodecError('An address message without an address');
  const address = formatIp(local);
  const peer = far === null || far.equals(local) ? address : formatIp(far);
  const flags = attrs.u32(IFA_FLAGS) ?? header.readUInt8(2);
  return {
    ifindex: header.readUInt32LE(4),
    cidr: { family, address, prefix: header.readUInt8(1) },
    peer: peer === address ? null : peer,
    noDad: (flags & IFA_F_NODAD) !== 0,
    noPrefixRoute: (flags & IFA_F_NOPREFIXROUTE) !== 0,
    scope: header.readUInt8(3),
    permanent: (flags & IFA_F_PERMANENT) !== 0,
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
    dadFailed: (flags & IFA_F_DADFAILED) !== 0,
  };
}

/** Only the device and the address matter; the rest has what most callers want. */
export function addressSpec(ifindex: number, cidr: Cidr, more: Partial<AddressSpec> = {}): AddressSpec {
  return { ifindex, cidr, peer: null, noDad: false, noPrefixRoute: false, ...more };
}

function request(op: string, type: number, flags: number, spec: AddressSpec): Request {
  return { op, object: formatCidr(spec.cidr), type, flags, body: encodeAddress(spec) };
}

export const addAddressRequest = (spec: AddressSpec): Request =>
  request('Add address', RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, spec);

/** EEXIST when the device has it already. */
export function addAddress(socket: NetlinkSocket, spec: AddressSpec): void {
  socket.request(addAddressRequest(spec));
}

export const deleteAddressRequest = (spec: AddressSpec): Request =>
  request('Delete address', RTM_DELADDR, 0, spec);

/** EADDRNOTAVAIL when the device has it not. */
export function deleteAddress(socket: NetlinkSocket, spec: AddressSpec): void {
  socket.request(deleteAddressRequest(spec));
}

/**
 * Of one device, or of all (ifindex null); of one family, or both. What `skip` says of an ifindex is not
 * taken apart: a namespace may have thousands.
 */
export function listAddresses(
  socket: NetlinkSocket,
  ifindex: number | null,
  { family = null, skip = () => false }: { family?: Family | null; skip?: (ifindex: number) => boolean } = {},
): Address[] {
  const replies = socket.dump({
    op: 'List addresses',
    object: ifindex === null ? 'all' : `ifindex ${ifindex}`,
    type: RTM_GETADDR,
    flags: 0,
    body: header(family, 0, 0, ifindex ?? 0),
  });
  return replies
    .filter(({ body }) => body.length < IFADDRMSG || !skip(body.readUInt32LE(4)))
    .map((reply) => decodeAddress(reply.body))
    .filter((address) => address !== null);
}
