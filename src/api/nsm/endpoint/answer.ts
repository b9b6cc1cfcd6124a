import { clone, create, equals } from '@bufbuild/protobuf';
import type { FileIdentity } from '../../../file-identity.ts';
import { Failure } from '../../../features/failure.ts';
import { isOwnAddress } from '../../../features/ipam/input.ts';
import type { Addresses } from '../../../features/ipam/ipam.ts';
import type { RouteSpec } from '../../../features/wire/api.ts';
import { formatInodeUrl } from '../inode-url.ts';
import { isInterfaceName } from '../interface-name.ts';
import { type Connection, type Mechanism, MechanismSchema, State } from '../proto/connection_pb.ts';
import {
  ConnectionContextSchema,
  type DNSConfig,
  DNSConfigSchema,
  DNSContextSchema,
  IPContextSchema,
} from '../proto/connectioncontext_pb.ts';
import type { NetworkServiceRequest } from '../proto/networkservice_pb.ts';
import type { ContextSettings, EndpointSettings } from './settings.ts';

const supported = 'LOCAL KERNEL';

export interface AcceptedMechanism {
  readonly mechanism: Mechanism;
  /** The interface's name where somebody has chosen one, else null. */
  readonly name: string | null;
}

/** The mechanism that was agreed on, or the first offered one that can be served. Throws Failure. */
export function acceptMechanism({
  connection,
  mechanismPreferences,
}: NetworkServiceRequest): AcceptedMechanism {
  const agreed = connection?.mechanism;
  const offered = agreed === undefined ? mechanismPreferences : [agreed];
  const mechanism = offered.find(({ cls, type }) => cls === 'LOCAL' && type === 'KERNEL');
  const field = agreed === undefined ? 'mechanism_preferences' : 'connection.mechanism';
  if (mechanism === undefined) {
    const value = offered.map(({ cls, type }) => `${cls} ${type}`).join(', ');
    const problem =
      value === '' ? 'No mechanism is requested' : `Of the requested mechanisms (${value}) none is supported`;
    throw new Failure('unsupported', `${problem}: allowed is ${supported}`, {
      field,
      value,
      allowed: supported,
    });
  }
  const name = mechanism.parameters.name ?? '';
  if (name !== '' && !isInterfaceName(name))
    throw new Failure('invalid', `${field} has name '${name}': no interface can have it`, {
      field: `${field}.parameters['name']`,
      value: name,
      allowed: "1 to 15 printable ASCII characters without '/', ':', '%' or space",
    });
  return { mechanism, name: name === '' ? null : name };
}

/** Refuses what this endpoint is not for. */
export function checkAsked(connection: Connection, { name, services, payload }: EndpointSettings): void {
  const { networkService } = connection;
  if (!services.includes(networkService) && !services.includes(networkService.replace(/@.*$/, '')))
    throw new Failure(
      'not_found',
      `Endpoint '${name}' has no network service '${networkService}': allowed are ${services.join(', ')}`,
      { field: 'connection.network_service', value: networkService, allowed: services.join(', ') },
    );
  if (payload !== null && connection.payload !== '' && connection.payload !== payload)
    throw new Failure(
      'unsupported',
      `connection.payload is '${connection.payload}': endpoint '${name}' carries ${payload}`,
      { field: 'connection.payload', value: connection.payload, allowed: payload },
    );
}

export interface Findings {
  readonly addresses: Addresses;
  readonly mechanism: Mechanism;
  readonly interfaceName: string;
  /** The endpoint's. */
  readonly netns: FileIdentity;
  /** The largest MTU that the client wants; 0 is any. */
  readonly mtu: number;
  /** What this endpoint said before about name servers, which the client says back. */
  readonly saidDns: readonly DNSConfig[];
}

/** Completes a connection, which is the endpoint's own copy, by what was found for it. */
export function complete(connection: Connection, settings: EndpointSettings, found: Findings): Connection {
  const mechanism = clone(MechanismSchema, found.mechanism);
  mechanism.parameters.inodeURL = formatInodeUrl(found.netns);
  mechanism.parameters.name = found.interfaceName;
  connection.mechanism = mechanism;
  if (connection.networkServiceEndpointName === '') connection.networkServiceEndpointName = settings.name;
  if (connection.payload === '' && settings.payload !== null) connection.payload = settings.payload;
  connection.state = State.UP;
  fillContext(connection, settings, found);
  return connection;
}

/**
 * Addresses, routes, policies, DNS and MTU. Routes and policies are the endpoint's alone to say: what a client sends
 * of them is what it was told before.
 */
export function fillContext(
  connection: Connection,
  settings: ContextSettings,
  { addresses, mtu, saidDns }: Pick<Findings, 'addresses' | 'mtu' | 'saidDns'>,
): void {
  const context = (connection.context ??= create(ConnectionContextSchema));
  const ip = (context.ipContext ??= create(IPContextSchema));
  const empty = create(IPContextSchema, {
    srcIpAddrs: withPolicyAddresses(addresses, settings, ip.policies),
    dstIpAddrs: [...addresses.dst],
    srcRoutes: settings.routes.map(routeMessage),
    dstRoutes: settings.endpointRoutes.map(routeMessage),
    policies: settings.policies.map(({ from, ipProto, sport, dport, routes }) => ({
      from: from ?? '',
      proto: ipProto ?? '',
      srcPort: sport ?? '',
      dstPort: dport ?? '',
      routes: routes.map(routeMessage),
    })),
  });
  const { srcIpAddrs, dstIpAddrs, srcRoutes, dstRoutes, policies } = empty;
  Object.assign(ip, { srcIpAddrs, dstIpAddrs, srcRoutes, dstRoutes, policies });
  fillDns(connection, dnsConfigs(settings), saidDns);
  const wanted = [mtu, settings.mtu ?? 0].filter((bytes) => bytes > 0);
  context.MTU = wanted.length === 0 ? 0 : Math.min(...wanted);
}

/**
 * NSM's endpoints give the client what its policies match by, where that is an address rather than a network. Addresses
 * of the pools are given one by one, whatever the policies match. `before` is what the client was told.
 */
function withPolicyAddresses(
  { src, pairs }: Addresses,
  { policies, pools }: ContextSettings,
  before: readonly { from: string }[],
): string[] {
  const wanted = policies.flatMap(({ from }) => (from !== null && isOwnAddress(from, pools) ? [from] : []));
  const told = new Set(before.map(({ from }) => from));
  const stays = (address: string): boolean =>
    !told.has(address) || pairs.some((pair) => pair.src === address);
  return [...new Set([...src.filter(stays), ...wanted])];
}

const routeMessage = ({ prefix, via }: RouteSpec): { prefix: string; nextHop: string } => ({
  prefix,
  nextHop: via ?? '',
});

export const dnsConfigs = ({ dns }: ContextSettings): DNSConfig[] =>
  dns.map(({ servers, searchDomains }) =>
    create(DNSConfigSchema, { dnsServerIps: [...servers], searchDomains: [...searchDomains] }),
  );

/** A client may bring name servers of its own, which stay; what the endpoint said before does not. */
function fillDns(connection: Connection, ours: readonly DNSConfig[], said: readonly DNSConfig[]): void {
  const { context } = connection;
  if (context === undefined) return;
  const known = [...ours, ...said];
  const theirs = (context.dnsContext?.configs ?? []).filter(
    (config) => !known.some((own) => equals(DNSConfigSchema, own, config)),
  );
  if (theirs.length + ours.length === 0) delete context.dnsContext;
  else (context.dnsContext ??= create(DNSContextSchema)).configs = [...theirs, ...ours];
}
