/** Connections as their callers (admin api, CLI) see them: what a workload asked for and what became of it. */

/**
 * opening: a Request is being carried out; up: traffic flows; down: the endpoint is gone or its side does not
 * carry traffic; healing: another endpoint is being asked; closing: being taken down.
 */
export type ConnectionState = 'opening' | 'up' | 'down' | 'healing' | 'closing';

export interface ConnectionSideItem {
  /** KERNEL, later others. */
  mechanism: string;
  netns: string;
  /** Interface name in the namespace. */
  name: string;
  addresses: readonly string[];
  /** `PREFIX` or `PREFIX via ADDRESS`. */
  routes: readonly string[];
}

export interface ConnectionItem {
  /** The agent's own id of it, which is also the wire's connection name. */
  id: string;
  /** What the client calls it. */
  clientId: string;
  service: string;
  endpoint: string;
  /** Why this endpoint. */
  reason: string;
  payload: string;
  state: ConnectionState;
  /** ISO 8601, when it was first up. */
  since: string;
  /** ISO 8601, when it ends unless it is asked for again; null is never. */
  expires: string | null;
  labels: Readonly<Record<string, string>>;
  /** The processes it passes through, client first. */
  path: readonly { name: string; id: string }[];
  /** Null before there is one. */
  wire: number | null;
  mtu: number;
  left: ConnectionSideItem;
  right: ConnectionSideItem;
  /** The last things that went wrong with it, oldest first. */
  errors: readonly { at: string; message: string }[];
}

export interface ConnectionChange {
  /** ISO 8601. */
  at: string;
  type: 'opened' | 'updated' | 'down' | 'up' | 'healed' | 'expired' | 'closed' | 'failed';
  id: string;
  detail: string;
}

/** Every method throws Failure. */
export interface Connections {
  list(): ConnectionItem[];
  /** By the agent's id, or by the client's if only one connection has it. Settles when its devices are gone. */
  close(id: string): Promise<void>;
  /** Calls back until the returned function is called. */
  subscribe(listener: (change: ConnectionChange) => void): () => void;
}

export interface RouteSpec {
  /** CIDR. */
  prefix: string;
  /** Address; null is on the link. */
  via: string | null;
}

/** An endpoint the agent itself answers for: requests to it get an interface in `netns` and addresses of the pools. */
export interface EndpointSpec {
  /** Null draws one from the service's name. */
  name: string | null;
  services: readonly string[];
  labels: Readonly<Record<string, string>>;
  /** `pid:N`, `name:N`, `path:P` or bare. */
  netns: string;
  /** CIDRs; every client gets a pair of addresses of each. */
  pools: readonly string[];
  /** Installed at the clients; without `via` the endpoint's own address is the gateway. */
  routes: readonly RouteSpec[];
  /** Bytes; null is what the wire takes by itself. */
  mtu: number | null;
  /** ETHERNET or IP. */
  payload: string;
}

export interface EndpointItem {
  name: string;
  services: readonly string[];
  labels: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Empty for one the agent answers for. */
  url: string;
  /** The agent answers for it. */
  hosted: boolean;
  netns: string | null;
  pools: readonly { prefix: string; used: number }[];
  /** ISO 8601; null is never. */
  expires: string | null;
  /** Connections it has on this node. */
  connections: number;
}

/** What is null stays as it is; a list replaces. */
export interface EndpointChange {
  readonly pools: readonly string[] | null;
  readonly routes: readonly RouteSpec[] | null;
  readonly mtu: number | null;
}

/** Every method throws Failure. */
export interface Endpoints {
  /** Settles when requests for its services find it. */
  add(spec: EndpointSpec): Promise<EndpointItem>;
  /** Of a hosted one. Settles when its connections have what is new. */
  update(name: string, change: EndpointChange): Promise<EndpointItem>;
  /** Of a hosted one. Its connections go down and heal or close, as if it had died. */
  remove(name: string): Promise<void>;
  list(): EndpointItem[];
}

export interface MatchSpec {
  /** The client's labels that it applies to; empty is all. Values may be templates over the client's labels. */
  source: Readonly<Record<string, string>>;
  routes: readonly { destination: Readonly<Record<string, string>>; weight: number }[];
  fallthrough: boolean;
  /** Labels of the forwarder that carries it; with them and without routes a match takes every endpoint. */
  metadata: Readonly<Record<string, string>> | null;
}

export interface ServiceSpec {
  name: string;
  payload: string;
  matches: readonly MatchSpec[];
}

/** Every method throws Failure. */
export interface Services {
  /** Makes or replaces. */
  put(spec: ServiceSpec): Promise<ServiceSpec>;
  remove(name: string): Promise<void>;
  list(): ServiceSpec[];
}

/** What one direction of a wire has counted so far. */
export interface Counted {
  packets: bigint;
  segments: bigint;
  bytes: bigint;
  /** For any reason. */
  dropped: bigint;
}

/** What a wire has counted, and whose it is. */
export interface WireSample {
  /** 0 is for frames that belong to no wire. */
  wire: number;
  /** The agent's id of the connection, or the name of a wire made by hand; empty for wire 0. */
  connection: string;
  /** What the connection's client calls it. */
  clientId: string | null;
  service: string | null;
  leftToRight: Counted;
  rightToLeft: Counted;
}

export interface Sample {
  /** Milliseconds on a clock that never goes back. */
  atMs: number;
  wires: WireSample[];
}

/** Reads what wires have counted, again and again. Whoever opened it closes it. */
export interface Sampler {
  sample(): Sample;
  close(): void;
}
