import type {
  ConnectionItem,
  ConnectionSideItem,
  EndpointItem,
  ServiceSpec,
} from '../../features/connection/api.ts';
import type { CounterItem, PortItem, WireEvent, WireItem } from '../../features/wire/api.ts';
import type { Explanation, Finding } from '../shell/sources.ts';
import type { Granted, Update } from '../request/requester.ts';
import type { Rate, Rates } from '../rates.ts';
import type { Complaint } from '../shell/exit.ts';

/** What every document of `--json` begins with. Fields are only ever added. */
const schema = 'vwire/v1';

/** An event as the agent sent it; a newer agent may send types this client does not know. */
export type AnyEvent = Omit<WireEvent, 'type'> & { type: string };

/** A change of a connection, likewise. */
export interface AnyChange {
  at: string;
  type: string;
  id: string;
  detail: string;
}

const portOf = ({ netns, name, ifindex, mac, host, addresses }: PortItem) => ({
  netns,
  name,
  ifindex,
  mac,
  host: { name: host.name, ifindex: host.ifindex },
  addresses,
});

/** 64-bit numbers are strings: a JSON reader may keep 53 bits of a number only. */
const countersOf = ({ packets, segments, bytes, dropped }: CounterItem) => ({
  packets: String(packets),
  segments: String(segments),
  bytes: String(bytes),
  dropped: Object.fromEntries(Object.entries(dropped).map(([reason, count]) => [reason, String(count)])),
});

const itemOf = (wire: WireItem) => ({
  id: wire.id,
  connection: wire.connection,
  service: wire.service,
  owner: wire.owner,
  state: wire.state,
  since: wire.since,
  mtu: wire.mtu,
  left: portOf(wire.left),
  right: portOf(wire.right),
  hops: wire.hops.map(({ from, to, datapath, reason, action }) => ({ from, to, datapath, reason, action })),
  counters: {
    leftToRight: countersOf(wire.counters.leftToRight),
    rightToLeft: countersOf(wire.counters.rightToLeft),
  },
});

const line = (document: object): string => `${JSON.stringify(document)}\n`;

const sideOf = ({ mechanism, netns, name, addresses, routes }: ConnectionSideItem) => ({
  mechanism,
  netns,
  name,
  addresses,
  routes,
});

const connectionOf = (connection: ConnectionItem) => ({
  id: connection.id,
  clientId: connection.clientId,
  service: connection.service,
  endpoint: connection.endpoint,
  reason: connection.reason,
  payload: connection.payload,
  state: connection.state,
  since: connection.since,
  expires: connection.expires,
  labels: connection.labels,
  path: connection.path.map(({ name, id }) => ({ name, id })),
  wire: connection.wire,
  mtu: connection.mtu,
  left: sideOf(connection.left),
  right: sideOf(connection.right),
  errors: connection.errors.map(({ at, message }) => ({ at, message })),
});

/** Connections are told where all that an instance carries is; null where wires are. */
export const wireListJson = (
  wires: readonly WireItem[],
  connections: readonly ConnectionItem[] | null,
): string =>
  line({
    schema,
    kind: 'WireList',
    items: wires.map(itemOf),
    ...(connections !== null && { connections: connections.map(connectionOf) }),
  });

export const wireJson = (wire: WireItem): string => line({ schema, kind: 'Wire', ...itemOf(wire) });

/** A wire that was asked for by its id, with the connection it is for. */
export const carrierJson = (wire: WireItem, connection: ConnectionItem | null): string =>
  line({
    schema,
    kind: 'Wire',
    ...itemOf(wire),
    request: connection === null ? null : connectionOf(connection),
  });

/** A connection that was asked for by its name, with the wire it has. */
export const connectionJson = (connection: ConnectionItem, wire: WireItem | null): string =>
  line({
    schema,
    kind: 'Connection',
    ...connectionOf(connection),
    carrier: wire === null ? null : itemOf(wire),
  });

const endpointOf = (endpoint: EndpointItem) => ({
  name: endpoint.name,
  services: endpoint.services,
  labels: endpoint.labels,
  url: endpoint.url === '' ? null : endpoint.url,
  hosted: endpoint.hosted,
  netns: endpoint.netns,
  pools: endpoint.pools.map(({ prefix, used }) => ({ prefix, used })),
  expires: endpoint.expires,
  connections: endpoint.connections,
});

export const endpointJson = (endpoint: EndpointItem): string =>
  line({ schema, kind: 'Endpoint', ...endpointOf(endpoint) });

export const endpointListJson = (endpoints: readonly EndpointItem[]): string =>
  line({ schema, kind: 'EndpointList', items: endpoints.map(endpointOf) });

/** In the words of NSM, as `service put` reads it. */
const serviceOf = ({ name, payload, matches }: ServiceSpec) => ({
  name,
  payload,
  matches: matches.map(({ source, routes, fallthrough, metadata }) => ({
    source_selector: source,
    routes: routes.map(({ destination, weight }) => ({ destination_selector: destination, weight })),
    fallthrough,
    metadata: metadata === null ? null : { labels: metadata },
  })),
});

export const serviceJson = (service: ServiceSpec): string =>
  line({ schema, kind: 'Service', ...serviceOf(service) });

export const serviceListJson = (services: readonly ServiceSpec[]): string =>
  line({ schema, kind: 'ServiceList', items: services.map(serviceOf) });

export const requestedJson = (granted: Granted): string =>
  line({
    schema,
    kind: 'Requested',
    id: granted.id,
    clientId: granted.clientId,
    service: granted.service,
    endpoint: granted.endpoint,
    payload: granted.payload,
    labels: granted.labels,
    path: granted.path.map(({ name, id }) => ({ name, id })),
    interface: granted.interface,
    addresses: granted.addresses,
    peerAddresses: granted.peerAddresses,
    routes: granted.routes,
    mtu: granted.mtu,
  });

export const updateJson = (at: string, { id, service }: Granted, { type, detail }: Update): string =>
  line({ schema, kind: 'Update', at, type, id, service, detail });

const rateOf = ({ packets, segments, bits, dropped }: Rate) => ({
  packetsPerSecond: packets,
  segmentsPerSecond: segments,
  bitsPerSecond: bits,
  droppedPerSecond: dropped,
});

/** Rates are numbers: nothing forwards 2^53 bits a second. */
export const ratesJson = (at: string, { seconds, wires }: Rates): string =>
  line({
    schema,
    kind: 'Rates',
    at,
    seconds,
    items: wires.map((each) => ({
      wire: each.wire,
      connection: each.connection,
      clientId: each.clientId,
      service: each.service,
      leftToRight: rateOf(each.leftToRight),
      rightToLeft: rateOf(each.rightToLeft),
    })),
  });

export const closedJson = (id: string): string => line({ schema, kind: 'Closed', id });

export const logLevelsJson = (levels: Readonly<Record<string, string>>): string =>
  line({ schema, kind: 'LogLevels', levels });

export const removedJson = (name: string): string => line({ schema, kind: 'Removed', name });

export const explanationJson = ({ connection, wire, steps, errors }: Explanation): string =>
  line({
    schema,
    kind: 'Explanation',
    connection: connection === null ? null : connectionOf(connection),
    wire: wire === null ? null : itemOf(wire),
    steps: steps.map(({ title, detail, ok }) => ({ title, detail, ok })),
    errors: errors.map(({ at, message }) => ({ at, message })),
  });

export const eventJson = ({ at, type, wire, connection, detail }: AnyEvent): string =>
  line({ schema, kind: 'Event', at, type, wire, connection, detail });

export const changeJson = ({ at, type, id, detail }: AnyChange): string =>
  line({ schema, kind: 'ConnectionEvent', at, type, connection: id, detail });

export const doctorJson = (findings: readonly Finding[]): string =>
  line({
    schema,
    kind: 'Doctor',
    items: findings.map(({ name, status, detail, remedy }) => ({ name, status, detail, remedy })),
  });

export const errorJson = ({ code, field, value, allowed, message }: Complaint): string =>
  line({ schema, kind: 'Error', code, field, value, allowed, message });
