import type { Connection } from '../api/nsm/proto/connection_pb.ts';
import type { ContextSettings, DnsSpec, EndpointSettings } from '../api/nsm/endpoint/settings.ts';
import type { PolicySpec, RouteSpec } from '../features/wire/api.ts';

/** `PREFIX`, `PREFIX via ADDRESS`, or the two parts. */
export type Route = string | { readonly prefix: string; readonly via?: string | null };

/** Packets that match all that is given take the routes. */
export interface Policy {
  /**
   * CIDR of source addresses. An address in it that is in no pool, such as 172.16.2.201/24, is given to the clients as
   * well, as NSM's endpoints do: to one client at a time, since the endpoint could not tell them apart. A network, such
   * as 172.16.2.0/24, is matched and nothing else.
   */
  readonly from?: string;
  /** IP protocol by its number: '6' is TCP. */
  readonly ipProto?: string;
  /** A port, or a range such as '6667-6670'. */
  readonly sport?: string;
  readonly dport?: string;
  readonly routes?: readonly Route[];
}

/** What clients are given; may change while connections live. */
export interface ContextOptions {
  /** Networks as CIDRs: every client gets a pair of addresses of each. */
  readonly pools?: readonly string[];
  /** Installed at the clients; without `via` the endpoint's own address is the gateway. */
  readonly routes?: readonly Route[];
  /** Installed in the endpoint's namespace, once per client; without `via` the client's address is the gateway. */
  readonly endpointRoutes?: readonly Route[];
  /** Installed at the clients. */
  readonly policies?: readonly Policy[];
  /** Told to the clients. */
  readonly dns?: readonly Partial<DnsSpec>[];
  /** Bytes, at most; null is what the client and the wire agree on. */
  readonly mtu?: number | null;
}

/** What a hook is told beside the connection. */
export interface RequestContext {
  /** False where a connection that stands is asked for again. */
  readonly first: boolean;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

export interface ServeOptions extends ContextOptions {
  /** The network service, or several. */
  readonly service: string | readonly string[];
  /** What services choose endpoints by. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * What connections name it by; NSM_NAME, or SERVICE-HOSTNAME-PID, if it is not given. An endpoint that comes back
   * under its name keeps its connections and their addresses.
   */
  readonly name?: string;
  /**
   * `unix:///PATH`, on which alone an endpoint can show what it is asked at and where its interfaces are to be;
   * NSM_CONNECT_TO, or the default instance's socket, if it is not given.
   */
  readonly agent?: string;
  /** Where interfaces are to be: as for a client's request. This process's own namespace if it is not given. */
  readonly netns?: string | number;
  /** ETHERNET or IP; either if it is not given. */
  readonly payload?: 'ETHERNET' | 'IP';
  /** What its interfaces' names begin with, 10 characters at most; the service's name if it is not given. */
  readonly interfacePrefix?: string;
  /** Absolute path of the socket it listens on; one in a directory of its own if it is not given. */
  readonly socket?: string;
  /** How long to wait for an agent that is not there yet, in ms; at least one attempt is made. */
  readonly waitMs?: number;
  /** How long one attempt to connect may take until the agent speaks HTTP/2, in ms; 5 s if it is not given. */
  readonly dialTimeoutMs?: number;
  /**
   * Called with what is about to be answered, which it may change; what it throws refuses the request, a Failure in
   * its own words.
   */
  readonly onRequest?: (connection: Connection, context: RequestContext) => void | Promise<void>;
  /** Called when a connection has ended. */
  readonly onClose?: (connection: Connection) => void;
  /** Called when the agent knows it no longer, with why, and with null when it does again. */
  readonly onRegistered?: (lost: Error | null) => void;
  /** Closes the endpoint. */
  readonly signal?: AbortSignal;
}

function routeOf(route: Route): RouteSpec {
  if (typeof route !== 'string') return { prefix: route.prefix, via: route.via ?? null };
  const [prefix = '', via = null] = route.split(' via ').map((part) => part.trim());
  return { prefix, via };
}

const policyOf = ({ from, ipProto, sport, dport, routes = [] }: Policy): PolicySpec => ({
  from: from ?? null,
  ipProto: ipProto ?? null,
  sport: sport ?? null,
  dport: dport ?? null,
  routes: routes.map(routeOf),
});

const dnsOf = ({ servers = [], searchDomains = [] }: Partial<DnsSpec>): DnsSpec => ({
  servers,
  searchDomains,
});

/** What is given of the changes, in the words of the answers. */
export function changeOf({
  pools,
  routes,
  endpointRoutes,
  policies,
  dns,
  mtu,
}: ContextOptions): Partial<ContextSettings> {
  return {
    ...(pools !== undefined && { pools }),
    ...(routes !== undefined && { routes: routes.map(routeOf) }),
    ...(endpointRoutes !== undefined && { endpointRoutes: endpointRoutes.map(routeOf) }),
    ...(policies !== undefined && { policies: policies.map(policyOf) }),
    ...(dns !== undefined && { dns: dns.map(dnsOf) }),
    ...(mtu !== undefined && { mtu }),
  };
}

export const servicesOf = ({ service }: Pick<ServeOptions, 'service'>): readonly string[] =>
  typeof service === 'string' ? [service] : service;

export function settingsOf(options: ServeOptions, name: string): EndpointSettings {
  const { payload = null, interfacePrefix = null } = options;
  const nothing = { pools: [], routes: [], endpointRoutes: [], policies: [], dns: [], mtu: null };
  return { name, services: servicesOf(options), payload, interfacePrefix, ...nothing, ...changeOf(options) };
}
