import { attr, attrI32, attrNest, attrString, attrU32, splitBody, type Attrs } from './attr.ts';
import { CodecError } from './error.ts';
import { formatMac, macBytes } from './mac.ts';
import { decodeStats, type DeviceStats } from './stats.ts';
import { decodeXdp, type Xdp } from './xdp.ts';

/** RTM_*LINK: struct ifinfomsg and the IFLA_* attributes of net devices. */
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_SETLINK = 19;

const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  QDISC: 6,
  MASTER: 10,
  TXQLEN: 13,
  OPERSTATE: 16,
  LINKINFO: 18,
  IFALIAS: 20,
  STATS64: 23,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  PROMISCUITY: 30,
  NUM_TX_QUEUES: 31,
  NUM_RX_QUEUES: 32,
  CARRIER: 33,
  CARRIER_CHANGES: 35,
  LINK_NETNSID: 37,
  GSO_MAX_SIZE: 41,
  XDP: 43,
  GRO_MAX_SIZE: 58,
  GSO_IPV4_MAX_SIZE: 63,
  GRO_IPV4_MAX_SIZE: 64,
} as const;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const RTEXT_FILTER_SKIP_STATS = 8;

/** struct ifinfomsg; the ifindex is at 4. */
export const IFINFOMSG = 16;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const IFF_NOARP = 0x80;
const IFF_PROMISC = 0x100;

// RFC 2863, in the numbering of the kernel.
const operstates = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'] as const;
export type Operstate = (typeof operstates)[number];

/** Largest packets in bytes the stack builds (gso) and merges (gro): gso and gro are IPv6's, or both where the kernel has no IPv4 ones. */
export interface OffloadSizes {
  readonly gso: number;
  readonly gro: number;
  /** IPv4's own (kernel 6.3); null leaves the kernel's default. */
  readonly gsoIpv4: number | null;
  readonly groIpv4: number | null;
}

/** A net device as the kernel describes it. null: the kernel did not say. */
export interface Device {
  readonly ifindex: number;
  readonly name: string;
  /** ARPHRD_*: 1 is Ethernet. */
  readonly type: number;
  readonly flags: number;
  readonly up: boolean;
  readonly running: boolean;
  readonly noArp: boolean;
  readonly promisc: boolean;
  readonly mac: string | null;
  readonly mtu: number | null;
  readonly alias: string | null;
  readonly group: number | null;
  readonly txQueueLength: number | null;
  readonly qdisc: string | null;
  /** ifindex of the other end (veth) or the lower device, in the namespace `linkNetnsid` if that is not null. */
  readonly linkIfindex: number | null;
  readonly linkNetnsid: number | null;
  readonly master: number | null;
  readonly promiscuity: number | null;
  /** 'veth', 'bridge', ...; null for hardware. */
  readonly kind: string | null;
  readonly operstate: Operstate | null;
  readonly carrier: boolean | null;
  readonly carrierChanges: number | null;
  readonly sizes: OffloadSizes | null;
  readonly xdp: Xdp | null;
  readonly stats: DeviceStats | null;
}

/** What can be set. Absent means: leave as it is. */
export interface LinkFields {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
  readonly alias: string;
  readonly group: number;
  readonly txQueueLength: number;
  readonly up: boolean;
  readonly noArp: boolean;
  readonly sizes: OffloadSizes;
  /** Where the device is to be (born). Borrowed: only used by the request. */
  readonly netnsFd: number;
  /** At creation: how many transmit queues, and receive queues, the device can ever have. */
  readonly queues: number;
}
export type LinkChange = Partial<LinkFields>;

function header(ifindex: number, change: LinkChange): Buffer {
  const encoded = Buffer.alloc(IFINFOMSG);
  let flags = 0;
  let mask = 0;
  for (const [flag, wanted] of [
    [IFF_UP, change.up],
    [IFF_NOARP, change.noArp],
  ] as const) {
    if (wanted === undefined) continue;
    mask |= flag;
    if (wanted) flags |= flag;
  }
  encoded.writeInt32LE(ifindex, 4);
  encoded.writeUInt32LE(flags, 8);
  encoded.writeUInt32LE(mask, 12);
  return encoded;
}

/** ifinfomsg and attributes, for NEWLINK, SETLINK and the peer of a veth. ifindex 0 goes by name. */
export function encodeLink(ifindex: number, change: LinkChange, more: readonly Buffer[] = []): Buffer {
  const parts = [header(ifindex, change)];
  if (change.name !== undefined) parts.push(attrString(IFLA.IFNAME, change.name));
  if (change.mac !== undefined) parts.push(attr(IFLA.ADDRESS, macBytes(change.mac)));
  if (change.mtu !== undefined) parts.push(attrU32(IFLA.MTU, change.mtu));
  if (change.alias !== undefined) parts.push(attr(IFLA.IFALIAS, Buffer.from(change.alias, 'utf8')));
  if (change.group !== undefined) parts.push(attrU32(IFLA.GROUP, change.group));
  if (change.txQueueLength !== undefined) parts.push(attrU32(IFLA.TXQLEN, change.txQueueLength));
  if (change.netnsFd !== undefined) parts.push(attrI32(IFLA.NET_NS_FD, change.netnsFd));
  if (change.queues !== undefined)
    parts.push(attrU32(IFLA.NUM_TX_QUEUES, change.queues), attrU32(IFLA.NUM_RX_QUEUES, change.queues));
  if (change.sizes !== undefined) {
    const { gso, gro, gsoIpv4, groIpv4 } = change.sizes;
    parts.push(attrU32(IFLA.GSO_MAX_SIZE, gso), attrU32(IFLA.GRO_MAX_SIZE, gro));
    // After the others: below 64 KiB those set the IPv4 sizes along, and the last word counts.
    if (gsoIpv4 !== null) parts.push(attrU32(IFLA.GSO_IPV4_MAX_SIZE, gsoIpv4));
    if (groIpv4 !== null) parts.push(attrU32(IFLA.GRO_IPV4_MAX_SIZE, groIpv4));
  }
  return Buffer.concat([...parts, ...more]);
}

/** NEWLINK of a virtual device of `kind`, with the kind's own attributes. */
export function encodeNew(kind: string, fields: LinkChange, data: readonly Buffer[]): Buffer {
  const info = [attrString(IFLA_INFO_KIND, kind)];
  if (data.length > 0) info.push(attrNest(IFLA_INFO_DATA, data));
  return encodeLink(0, fields, [attrNest(IFLA.LINKINFO, info)]);
}

/** NEWLINK of a veth pair: both ends in one request. */
export function encodeVeth(local: LinkChange, peer: LinkChange): Buffer {
  return encodeNew('veth', local, [attr(VETH_INFO_PEER, encodeLink(0, peer))]);
}

/** The peer of an `encodeVeth`, as a body of its own; null if there is none. */
export function vethPeerOf(body: Buffer): Buffer | null {
  const data = splitBody(body, IFINFOMSG).attrs.nested(IFLA.LINKINFO)?.nested(IFLA_INFO_DATA);
  return data?.bytes(VETH_INFO_PEER) ?? null;
}

/** GETLINK by index, by name, or of a kind (in a dump). `stats: false` saves 200 bytes a device. */
export function encodeGetLink(
  which: { readonly ifindex: number } | { readonly name: string } | { readonly kind: string | null },
  stats: boolean,
): Buffer {
  const more = stats ? [] : [attrU32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS)];
  if ('ifindex' in which) return encodeLink(which.ifindex, {}, more);
  if ('name' in which) return encodeLink(0, { name: which.name }, more);
  if (which.kind !== null) more.push(attrNest(IFLA.LINKINFO, [attrString(IFLA_INFO_KIND, which.kind)]));
  return encodeLink(0, {}, more);
}

function sizesOf(attrs: Attrs): OffloadSizes | null {
  const gso = attrs.u32(IFLA.GSO_MAX_SIZE);
  const gro = attrs.u32(IFLA.GRO_MAX_SIZE);
  if (gso === null) return null;
  return {
    gso,
    // Told from 5.19 on; before that the stack merges up to 64 KiB.
    gro: gro ?? 65536,
    gsoIpv4: attrs.u32(IFLA.GSO_IPV4_MAX_SIZE),
    groIpv4: attrs.u32(IFLA.GRO_IPV4_MAX_SIZE),
  };
}

/** The group of a NEWLINK message and nothing else: for looking through thousands. null: none is told. */
export function groupOf(body: Buffer): number | null {
  for (let at = IFINFOMSG; at + 4 <= body.length;) {
    const length = body.readUInt16LE(at);
    if (body.readUInt16LE(at + 2) === IFLA.GROUP && length === 8 && at + 8 <= body.length)
      return body.readUInt32LE(at + 4);
    if (length < 4) return null;
    at += (length + 3) & ~3;
  }
  return null;
}

/** The body of a NEWLINK or DELLINK message. */
export function decodeLink(body: Buffer): Device {
  const { header, attrs } = splitBody(body, IFINFOMSG);
  const flags = header.readUInt32LE(8);
  const mac = attrs.bytes(IFLA.ADDRESS);
  const operstate = attrs.u8(IFLA.OPERSTATE);
  const carrier = attrs.u8(IFLA.CARRIER);
  const xdp = attrs.nested(IFLA.XDP);
  const stats = attrs.bytes(IFLA.STATS64);
  const name = attrs.string(IFLA.IFNAME);
  if (name === null) throw new CodecError('A link message without a name');
  return {
    ifindex: header.readInt32LE(4),
    name,
    type: header.readUInt16LE(2),
    flags,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    noArp: (flags & IFF_NOARP) !== 0,
    promisc: (flags & IFF_PROMISC) !== 0,
    mac: mac === null ? null : formatMac(mac),
    mtu: attrs.u32(IFLA.MTU),
    alias: attrs.string(IFLA.IFALIAS),
    group: attrs.u32(IFLA.GROUP),
    txQueueLength: attrs.u32(IFLA.TXQLEN),
    qdisc: attrs.string(IFLA.QDISC),
    linkIfindex: attrs.u32(IFLA.LINK),
    linkNetnsid: attrs.i32(IFLA.LINK_NETNSID),
    master: attrs.u32(IFLA.MASTER),
    promiscuity: attrs.u32(IFLA.PROMISCUITY),
    kind: attrs.nested(IFLA.LINKINFO)?.string(IFLA_INFO_KIND) ?? null,
    operstate: operstate === null ? null : (operstates[operstate] ?? null),
    carrier: carrier === null ? null : carrier !== 0,
    carrierChanges: attrs.u32(IFLA.CARRIER_CHANGES),
    sizes: sizesOf(attrs),
    xdp: xdp === null ? null : decodeXdp(xdp),
    stats: stats === null ? null : decodeStats(stats),
  };
}
