import { type Cidr, formatCidr, hostCidr, networkOf, parseCidr } from '../../net/cidr.ts';
import { InputError } from '../../net/input.ts';
import { parseIp } from '../../net/ip.ts';
import type { IpSpec, NeighborSpec, PolicySpec, RouteSpec } from './api.ts';
import { failureOf } from './refusal.ts';

/** What a connection brings to both its interfaces, as NSM's IPContext has it: `src` is the left side. */
export interface IpPair {
  /** CIDRs. */
  src: readonly string[];
  dst: readonly string[];
  /** Over the wire, at the left side and at the right. */
  srcRoutes: readonly RouteSpec[];
  dstRoutes: readonly RouteSpec[];
  neighbors: readonly NeighborSpec[];
  /** At the left side. */
  policies: readonly PolicySpec[];
}

/** How the fields are called in what the caller sent. */
const fields = {
  src: 'connection.context.ip_context.src_ip_addrs',
  dst: 'connection.context.ip_context.dst_ip_addrs',
  srcRoutes: 'connection.context.ip_context.src_routes',
  dstRoutes: 'connection.context.ip_context.dst_routes',
  neighbors: 'connection.context.ip_context.ip_neighbors',
};

const inside = (address: string, net: Cidr): boolean => {
  const host = hostCidr(address);
  return (
    host.family === net.family &&
    networkOf({ ...host, prefix: net.prefix }).address === networkOf(net).address
  );
};

/** Addresses of the peer that no network of the own side covers are put on the link. */
const peerRoutes = (own: readonly Cidr[], peer: readonly Cidr[]): RouteSpec[] =>
  peer
    .filter(({ family }) => own.some((net) => net.family === family))
    .filter(({ address }) => !own.some((net) => inside(address, net)))
    .map(({ address }) => ({ prefix: formatCidr(hostCidr(address)), via: null }));

/** A route without a gateway goes over the peer's first address, unless it leads to the peer's own network. */
function gatewayed(route: RouteSpec, index: number, field: string, peer: readonly Cidr[]): RouteSpec {
  const to = parseCidr(route.prefix, `${field}[${index}].prefix`);
  const prefix = formatCidr(networkOf(to));
  if (route.via !== null) return { prefix, via: parseIp(route.via, `${field}[${index}].nextHop`) };
  if (peer.some((net) => inside(to.address, net))) return { prefix, via: null };
  return { prefix, via: peer.find(({ family }) => family === to.family)?.address ?? null };
}

/** Equal ones once: what is said later replaces, in place. */
const distinct = <T>(items: readonly T[], key: (item: T) => string): T[] => [
  ...new Map(items.map((item) => [key(item), item])).values(),
];

/**
 * What each side's interface gets, by the rules of NSM's forwarders (link routes to the peer, gateways that go
 * without saying). Throws Failure that names the caller's field.
 */
export function ipOfBothSides(pair: IpPair): { left: IpSpec; right: IpSpec } {
  try {
    const parse = (texts: readonly string[], field: string): Cidr[] =>
      texts.map((text, index) => parseCidr(text, `${field}[${index}]`));
    const src = parse(pair.src, fields.src);
    const dst = parse(pair.dst, fields.dst);
    const routes = (
      own: readonly Cidr[],
      peer: readonly Cidr[],
      asked: readonly RouteSpec[],
      field: string,
    ): RouteSpec[] =>
      distinct(
        [...peerRoutes(own, peer), ...asked.map((route, index) => gatewayed(route, index, field, peer))],
        ({ prefix }) => prefix,
      );
    const neighborsOf = (own: readonly Cidr[]): NeighborSpec[] =>
      pair.neighbors
        .map(({ address, mac }, index) => ({
          address: parseIp(address, `${fields.neighbors}[${index}].ip`),
          mac,
        }))
        .filter(({ address }) => !own.some((net) => net.address === address));
    return {
      left: {
        addresses: distinct(src.map(formatCidr), (text) => text),
        routes: routes(src, dst, pair.srcRoutes, fields.srcRoutes),
        neighbors: neighborsOf(src),
        policies: pair.policies,
      },
      right: {
        addresses: distinct(dst.map(formatCidr), (text) => text),
        routes: routes(dst, src, pair.dstRoutes, fields.dstRoutes),
        neighbors: neighborsOf(dst),
        policies: [],
      },
    };
  } catch (error) {
    throw error instanceof InputError ? failureOf(error) : error;
  }
}
