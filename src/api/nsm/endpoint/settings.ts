import { Failure } from '../../../features/failure.ts';
import { addressText, cidrOf, cidrText, networkText } from '../../../features/ipam/input.ts';
import type { PolicySpec, RouteSpec } from '../../../features/wire/api.ts';
import { isInterfaceName } from '../interface-name.ts';
import { maxContextEntries, maxName, maxServicesPerEndpoint } from '../limits.ts';

export interface DnsSpec {
  /** Addresses. */
  readonly servers: readonly string[];
  readonly searchDomains: readonly string[];
}

/** What may change while connections live. */
export interface ContextSettings {
  /** CIDRs; every client gets a pair of addresses of each. */
  readonly pools: readonly string[];
  /** Installed at the clients; without `via` the endpoint's own address is the gateway. */
  readonly routes: readonly RouteSpec[];
  /** Installed at the endpoint, per client; without `via` the client's address is the gateway. */
  readonly endpointRoutes: readonly RouteSpec[];
  /** Installed at the clients. */
  readonly policies: readonly PolicySpec[];
  readonly dns: readonly DnsSpec[];
  /** Bytes, at most; null leaves it to the client and the wire. */
  readonly mtu: number | null;
}

export interface EndpointSettings extends ContextSettings {
  /** In every path, and what connections name the endpoint by. */
  readonly name: string;
  readonly services: readonly string[];
  /** ETHERNET or IP; null takes either. */
  readonly payload: string | null;
  /** What interface names begin with; null is the service's name. */
  readonly interfacePrefix: string | null;
}

/** The settings in their canonical form; pools are the IPAM's to check. Throws Failure with the field. */
export function checkSettings(settings: EndpointSettings): EndpointSettings {
  const { name, services, routes, endpointRoutes, policies, dns, mtu, payload, interfacePrefix } = settings;
  checkName('name', name);
  if (services.length === 0)
    throw refusal('services', '', 'it names none', 'the names of network services, at least one');
  atMost('services', services.length, maxServicesPerEndpoint);
  services.forEach((service, i) => {
    checkName(`services[${i}]`, service);
  });
  if (payload !== null && payload !== 'ETHERNET' && payload !== 'IP')
    throw refusal('payload', payload, 'it is not known', 'ETHERNET or IP');
  if (interfacePrefix !== null && !(isInterfaceName(interfacePrefix) && interfacePrefix.length <= 10))
    throw refusal(
      'interfacePrefix',
      interfacePrefix,
      'no interface name begins so',
      "1 to 10 printable ASCII characters without '/', ':', '%' or space",
    );
  if (mtu !== null && !(Number.isInteger(mtu) && mtu >= 68 && mtu <= 65535))
    throw refusal('mtu', String(mtu), 'no interface has it', 'a whole number of bytes from 68 to 65535');
  return {
    ...settings,
    routes: routesOf('routes', routes),
    endpointRoutes: routesOf('endpointRoutes', endpointRoutes),
    policies: policiesOf(policies),
    dns: dnsOf(dns),
  };
}

function routesOf(field: string, routes: readonly RouteSpec[]): RouteSpec[] {
  atMost(field, routes.length, maxContextEntries);
  return routes.map(({ prefix, via }, i) => {
    const network = networkText(prefix, `${field}[${i}].prefix`);
    if (via === null) return { prefix: network, via: null };
    const gateway = addressText(via, `${field}[${i}].via`);
    const { family } = cidrOf(network, field);
    if (gateway.includes(':') !== (family === 6))
      throw refusal(
        `${field}[${i}].via`,
        via,
        `it is of another family than '${prefix}'`,
        `an IPv${family} address`,
      );
    return { prefix: network, via: gateway };
  });
}

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65535;

function isPorts(text: string): boolean {
  const [first = '', last = first, ...more] = text.split('-');
  return more.length === 0 && isPort(first) && isPort(last) && Number(first) <= Number(last);
}

function policiesOf(policies: readonly PolicySpec[]): PolicySpec[] {
  atMost('policies', policies.length, maxContextEntries);
  return policies.map(({ from, ipProto, sport, dport, routes }, i) => {
    const field = `policies[${i}]`;
    if (ipProto !== null && !(/^\d{1,3}$/.test(ipProto) && Number(ipProto) <= 255))
      throw refusal(
        `${field}.ipProto`,
        ipProto,
        'it is no IP protocol',
        "its number from 0 to 255, '6' for TCP",
      );
    for (const [key, ports] of Object.entries({ sport, dport }))
      if (ports !== null && !isPorts(ports))
        throw refusal(`${field}.${key}`, ports, 'it is no port', "a port, or a range such as '6667-6670'");
    // The host part stays: NSM's policies take an address with the length of its network.
    const source = from === null ? null : cidrText(from, `${field}.from`);
    return { from: source, ipProto, sport, dport, routes: routesOf(`${field}.routes`, routes) };
  });
}

function dnsOf(dns: readonly DnsSpec[]): DnsSpec[] {
  atMost('dns', dns.length, maxContextEntries);
  return dns.map(({ servers, searchDomains }, i) => {
    atMost(`dns[${i}].servers`, servers.length, maxContextEntries);
    atMost(`dns[${i}].searchDomains`, searchDomains.length, maxContextEntries);
    searchDomains.forEach((domain, j) => {
      checkName(`dns[${i}].searchDomains[${j}]`, domain);
    });
    return {
      servers: servers.map((server, j) => addressText(server, `dns[${i}].servers[${j}]`)),
      searchDomains,
    };
  });
}

function checkName(field: string, name: string): void {
  if (name === '' || name.length > maxName)
    throw refusal(field, name.slice(0, 64), `it has ${name.length} characters`, `1 to ${maxName} characters`);
}

function atMost(field: string, count: number, limit: number): void {
  if (count > limit) throw refusal(field, String(count), 'these are too many', `at most ${limit}`);
}

const refusal = (field: string, value: string, problem: string, allowed: string): Failure =>
  new Failure('invalid', `${field} is '${value}': ${problem}: allowed is ${allowed}`, {
    field,
    value,
    allowed,
  });
