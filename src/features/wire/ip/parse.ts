import type { Side } from '../../../dataplane/port.ts';
import { type Cidr, formatCidr, networkOf, parseCidr } from '../../../net/cidr.ts';
import { InputError } from '../../../net/input.ts';
import { type Family, ipFamily, isGroup, parseIp } from '../../../net/ip.ts';
import { parseDeviceMac } from '../../../net/mac.ts';
import type { IpRecord, PolicyRecord, RouteRecord } from '../../../state/wire-record.ts';
import type { IpSpec, PolicySpec, RouteSpec } from '../api.ts';
import { MAX_ADDRESSES, MAX_NEIGHBORS, MAX_POLICIES, MAX_POLICY_ROUTES, MAX_ROUTES } from './limits.ts';

/** A policy whose routing table is not chosen yet. */
export type PolicyParsed = Omit<PolicyRecord, 'table'>;
export type IpParsed = Omit<IpRecord, 'policies'> & { policies: PolicyParsed[] };

function atMost(count: number, limit: number, field: string, what: string): void {
  if (count > limit) throw new InputError(field, `${count} ${what}`, `at most ${limit}`);
}

/** Some kernels take a group address for an interface's own, and then nobody can answer to it. */
function interfaceAddress(value: string, field: string): Cidr {
  const cidr = parseCidr(value, field);
  if (isGroup(cidr.address))
    throw new InputError(field, value, 'the address of one interface', 'it is a group address');
  return cidr;
}

function addressesOf(values: readonly string[], field: string): string[] {
  atMost(values.length, MAX_ADDRESSES, field, 'addresses');
  const taken = new Map<string, string>();
  return values.map((value, i) => {
    const cidr = interfaceAddress(value, `${field}[${i}]`);
    const text = formatCidr(cidr);
    const before = taken.get(cidr.address);
    // IPv4 takes an address once for every length of its prefix.
    if (cidr.family === 6 && before !== undefined && before !== text)
      throw new InputError(`${field}[${i}]`, value, `one prefix length for an address`, `so is '${before}'`);
    taken.set(cidr.address, text);
    return text;
  });
}

function routesOf(specs: readonly RouteSpec[], limit: number, field: string): RouteRecord[] {
  atMost(specs.length, limit, field, 'routes');
  const gateways = new Map<string, string | null>();
  return specs.map((spec, i) => {
    const route = routeOf(spec, `${field}[${i}]`);
    const before = gateways.get(route.prefix);
    if (before !== undefined && before !== route.via)
      throw new InputError(
        `${field}[${i}].prefix`,
        spec.prefix,
        'one gateway for a prefix',
        `it is routed ${before === null ? 'on the link' : `via '${before}'`} already`,
      );
    gateways.set(route.prefix, route.via);
    return route;
  });
}

function routeOf({ prefix, via }: RouteSpec, field: string): RouteRecord {
  const network = networkOf(parseCidr(prefix, `${field}.prefix`));
  if (via === null) return { prefix: formatCidr(network), via };
  const gateway = parseIp(via, `${field}.via`);
  if (ipFamily(gateway) !== network.family)
    throw new InputError(
      `${field}.via`,
      via,
      `an IPv${network.family} address`,
      `the prefix is '${formatCidr(network)}'`,
    );
  return { prefix: formatCidr(network), via: gateway };
}

function protocolOf(value: string, field: string): string {
  const number = /^\d{1,3}$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > 255)
    throw new InputError(field, value, 'a number from 1 to 255: 6 is TCP, 17 UDP');
  return String(number);
}

/** The kernel takes no rule for port 65535. */
const MAX_PORT = 65534;

/** '80' or '80-90', without leading zeros. */
function portsOf(value: string, field: string): string {
  const [, from = '', to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value) ?? [];
  const [first, last] = [Number(from), Number(to ?? from)];
  if (first < 1 || last > MAX_PORT || last < first)
    throw new InputError(field, value, `a port from 1 to ${MAX_PORT}, or a range such as '6667-6670'`);
  return first === last ? String(first) : `${first}-${last}`;
}

/** What tells one policy from another. */
export const policyKey = ({ from, ipProto, sport, dport }: PolicyParsed): string =>
  [from, ipProto, sport, dport].join(';');

const familyOf = (cidr: string): Family => ipFamily(cidr.split('/', 1)[0] ?? '');

/** The families whose packets a policy is about. */
export function policyFamilies({ from, routes }: PolicyParsed): Family[] {
  if (from !== null) return [familyOf(from)];
  const families = new Set(routes.map(({ prefix }) => familyOf(prefix)));
  return families.size === 0 ? [4] : [...families].sort();
}

function policyOf(spec: PolicySpec, field: string): PolicyParsed {
  const { from, ipProto, sport, dport } = spec;
  const network = from === null ? null : networkOf(parseCidr(from, `${field}.from`));
  if ((network?.prefix ?? 0) === 0 && ipProto === null && sport === null && dport === null)
    throw new InputError(
      field,
      from ?? 'nothing',
      'from, ipProto, sport or dport',
      "it would take all packets of the pod, its own interfaces' too",
    );
  const routes = routesOf(spec.routes, MAX_POLICY_ROUTES, `${field}.routes`);
  routes.forEach(({ prefix }, i) => {
    if (network !== null && familyOf(prefix) !== network.family)
      throw new InputError(
        `${field}.routes[${i}].prefix`,
        prefix,
        `an IPv${network.family} prefix`,
        `the policy is for packets from '${formatCidr(network)}'`,
      );
  });
  return {
    from: network === null ? null : formatCidr(network),
    ipProto: ipProto === null ? null : protocolOf(ipProto, `${field}.ipProto`),
    sport: sport === null ? null : portsOf(sport, `${field}.sport`),
    dport: dport === null ? null : portsOf(dport, `${field}.dport`),
    routes,
  };
}

function policiesOf(specs: readonly PolicySpec[], field: string): PolicyParsed[] {
  atMost(specs.length, MAX_POLICIES, field, 'policies');
  const seen = new Map<string, number>();
  return specs.map((spec, i) => {
    const policy = policyOf(spec, `${field}[${i}]`);
    const key = policyKey(policy);
    const before = seen.get(key);
    if (before !== undefined)
      throw new InputError(
        `${field}[${i}]`,
        key,
        'one policy for the same packets',
        `so is ${field}[${before}]`,
      );
    seen.set(key, i);
    return policy;
  });
}

/** What a caller wants of one side's interface, checked field by field. Throws InputError. */
export function parseIpSpec(spec: IpSpec, side: Side): IpParsed {
  atMost(spec.neighbors.length, MAX_NEIGHBORS, `${side}.neighbors`, 'neighbors');
  const macs = new Map<string, string>();
  return {
    addresses: addressesOf(spec.addresses, `${side}.addresses`),
    routes: routesOf(spec.routes, MAX_ROUTES, `${side}.routes`),
    neighbors: spec.neighbors.map(({ address, mac }, i) => {
      const field = `${side}.neighbors[${i}]`;
      const neighbor = {
        address: parseIp(address, `${field}.address`),
        mac: parseDeviceMac(mac, `${field}.mac`),
      };
      const before = macs.get(neighbor.address);
      if (before !== undefined && before !== neighbor.mac)
        throw new InputError(
          `${field}.mac`,
          mac,
          'one MAC for an address',
          `'${address}' has '${before}' already`,
        );
      macs.set(neighbor.address, neighbor.mac);
      return neighbor;
    }),
    policies: policiesOf(spec.policies, `${side}.policies`),
  };
}
