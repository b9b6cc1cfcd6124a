import { attr, attrNest, attrU32, splitBody } from './attr.ts';
import { formatCidr, type Cidr } from './cidr.ts';
import { CodecError } from './error.ts';
import { familyNumber, familyOf, formatIp, ipBytes, type Family } from './ip.ts';
import { decodeNexthops, type Nexthop } from './nexthop.ts';

/** RTM_*ROUTE: struct rtmsg { u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags } and RTA_*. */
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;

const RTMSG = 12;
const RTA = {
  DST: 1,
  SRC: 2,
  IIF: 3,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  PREFSRC: 7,
  METRICS: 8,
  MULTIPATH: 9,
  TABLE: 15,
  VIA: 18,
  NH_ID: 30,
} as const;
const RTAX_MTU = 2;
const RTNH_F_ONLINK = 4;

// In the kernel's numbering.
const types = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
] as const;
export type RouteType = (typeof types)[number];

export const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;

export interface Route {
  readonly family: Family;
  readonly type: RouteType;
  /** null: the default route. */
  readonly dst: Cidr | null;
  /** IPv6 source routing; null: from anywhere. */
  readonly src: Cidr | null;
  /** Of either family; null: the destination is on the link. */
  readonly gateway: string | null;
  /** Outgoing device's ifindex. */
  readonly oif: number | null;
  readonly prefSrc: string | null;
  readonly metric: number | null;
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  /** The gateway is on the link though no prefix of the device says so. */
  readonly onlink: boolean;
  readonly mtu: number | null;
  /** Read only: the branches of a multipath route, and the id of a nexthop object. */
  readonly nexthops: readonly Nexthop[];
  readonly nexthopId: number | null;
}

export type RouteSpec = Omit<Route, 'nexthops' | 'nexthopId'>;

/** A unicast route of the main table; `more` says what else it is. */
export function routeSpec(family: Family, dst: Cidr | null, more: Partial<RouteSpec> = {}): RouteSpec {
  // IPv4 wants a scope that matches the gateway; IPv6 has none.
  const onLink = family === 4 && (more.gateway ?? null) === null;
  return {
    family,
    type: 'unicast',
    dst,
    src: null,
    gateway: null,
    oif: null,
    prefSrc: null,
    metric: null,
    table: RT_TABLE_MAIN,
    protocol: RTPROT_STATIC,
    scope: onLink ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
    onlink: false,
    mtu: null,
    ...more,
  };
}

function via(gateway: string): Buffer {
  const bytes = ipBytes(gateway);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(familyNumber(bytes.length === 4 ? 4 : 6));
  return Buffer.concat([family, bytes]);
}

export function encodeRoute(route: RouteSpec): Buffer {
  const { family, dst, src, gateway, oif, prefSrc, metric, table, mtu } = route;
  const header = Buffer.alloc(RTMSG);
  header.writeUInt8(familyNumber(family), 0);
  header.writeUInt8(dst?.prefix ?? 0, 1);
  header.writeUInt8(src?.prefix ?? 0, 2);
  // The byte holds small tables; the attribute counts.
  header.writeUInt8(table < 256 ? table : 0, 4);
  header.writeUInt8(route.protocol, 5);
  header.writeUInt8(route.scope, 6);
  header.writeUInt8(types.indexOf(route.type), 7);
  header.writeUInt32LE(route.onlink ? RTNH_F_ONLINK : 0, 8);
  const parts = [header, attrU32(RTA.TABLE, table)];
  if (dst !== null) parts.push(attr(RTA.DST, ipBytes(dst.address)));
  if (src !== null) parts.push(attr(RTA.SRC, ipBytes(src.address)));
  if (gateway !== null) {
    const bytes = ipBytes(gateway);
    const sameFamily = bytes.length === (family === 4 ? 4 : 16);
    parts.push(sameFamily ? attr(RTA.GATEWAY, bytes) : attr(RTA.VIA, via(gateway)));
  }
  if (oif !== null) parts.push(attrU32(RTA.OIF, oif));
  if (prefSrc !== null) parts.push(attr(RTA.PREFSRC, ipBytes(prefSrc)));
  if (metric !== null) parts.push(attrU32(RTA.PRIORITY, metric));
  if (mtu !== null) parts.push(attrNest(RTA.METRICS, [attrU32(RTAX_MTU, mtu)]));
  return Buffer.concat(parts);
}

/** A dump's filter: null is every table, every outgoing device. */
export function encodeRouteFilter(family: Family, table: number | null, oif: number | null = null): Buffer {
  const header = Buffer.alloc(RTMSG);
  header.writeUInt8(familyNumber(family), 0);
  const parts: Buffer[] = [header];
  if (table !== null) parts.push(attrU32(RTA.TABLE, table));
  if (oif !== null) parts.push(attrU32(RTA.OIF, oif));
  return Buffer.concat(parts);
}

/** RTA_VIA: { u16 family, address }. */
export function decodeVia(bytes: Buffer): string {
  if (bytes.length < 2) throw new CodecError('A via attribute without a family');
  return formatIp(bytes.subarray(2));
}

/** null: a route of a family that is not IP. */
export function decodeRoute(body: Buffer): Route | null {
  const { header, attrs } = splitBody(body, RTMSG);
  const family = familyOf(header.readUInt8(0));
  if (family === null) return null;
  const ip = (type: number): string | null => {
    const bytes = attrs.bytes(type);
    return bytes === null ? null : formatIp(bytes);
  };
  const cidr = (type: number, prefix: number): Cidr | null => {
    const address = ip(type);
    return address === null ? null : { family, address, prefix };
  };
  const viaBytes = attrs.bytes(RTA.VIA);
  const multipath = attrs.bytes(RTA.MULTIPATH);
  return {
    family,
    type: types[header.readUInt8(7)] ?? 'unspec',
    dst: cidr(RTA.DST, header.readUInt8(1)),
    src: cidr(RTA.SRC, header.readUInt8(2)),
    gateway: ip(RTA.GATEWAY) ?? (viaBytes === null ? null : decodeVia(viaBytes)),
    oif: attrs.u32(RTA.OIF),
    prefSrc: ip(RTA.PREFSRC),
    metric: attrs.u32(RTA.PRIORITY),
    table: attrs.u32(RTA.TABLE) ?? header.readUInt8(4),
    protocol: header.readUInt8(5),
    scope: header.readUInt8(6),
    onlink: (header.readUInt32LE(8) & RTNH_F_ONLINK) !== 0,
    mtu: attrs.nested(RTA.METRICS)?.u32(RTAX_MTU) ?? null,
    nexthops: multipath === null ? [] : decodeNexthops(multipath),
    nexthopId: attrs.u32(RTA.NH_ID),
  };
}

export function routeText(route: RouteSpec): string {
  const gateway = route.gateway === null ? '' : ` via ${route.gateway}`;
  const device = route.oif === null ? '' : ` dev ifindex ${route.oif}`;
  return `${route.dst === null ? 'default' : formatCidr(route.dst)}${gateway}${device}`;
}
