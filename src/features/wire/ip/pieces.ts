import type { Side } from '../../../dataplane/port.ts';
import { addAddressRequest, addressSpec, type AddressSpec, deleteAddressRequest } from '../../../net/addr.ts';
import { type Cidr, formatCidr, parseCidr } from '../../../net/cidr.ts';
import { type Family, ipFamily } from '../../../net/ip.ts';
import type { Request } from '../../../net/message.ts';
import { deleteNeighbourRequest, setNeighbourRequest } from '../../../net/neigh.ts';
import { RT_TABLE_MAIN, type RouteSpec, routeSpec } from '../../../net/route.ts';
import { addRouteRequest, deleteRouteRequest, replaceRouteRequest } from '../../../net/routes.ts';
import {
  addRuleRequest,
  deleteRuleRequest,
  encodeRule,
  type PortRange,
  type Rule,
  rule,
} from '../../../net/rule.ts';
import type { IpRecord, PolicyRecord, RouteRecord } from '../../../state/wire-record.ts';
import { policyFamilies } from './parse.ts';

type Kind =
  | { kind: 'address'; address: AddressSpec }
  | { kind: 'route'; route: RouteSpec }
  | { kind: 'neighbor'; ifindex: number; address: string; mac: string }
  | { kind: 'rule'; rule: Rule };

/** One thing the kernel is told of an interface, and which field of the request asked for it. */
export type Piece = Kind & { field: string; value: string };

/** IPv4 counts from 0, IPv6 takes 0 for this. */
const METRIC: Readonly<Record<Family, number>> = { 4: 0, 6: 1024 };

const cidrOf = (text: string): Cidr => parseCidr(text, 'record');

function route(ifindex: number, { prefix, via }: RouteRecord, table: number): RouteSpec {
  const network = cidrOf(prefix);
  return routeSpec(network.family, network.prefix === 0 ? null : network, {
    oif: ifindex,
    gateway: via,
    // The gateway need not lie in a prefix of the interface: /32 and /128 are what IPAMs hand out.
    onlink: via !== null,
    metric: METRIC[network.family],
    table,
  });
}

function portRange(text: string | null): PortRange | null {
  if (text === null) return null;
  const [from = 0, to = from] = text.split('-').map(Number);
  return { from, to };
}

/** The kernel gives each the priority before its second rule, so that later ones come first. */
function rules(policy: PolicyRecord): Rule[] {
  const from = policy.from === null ? null : cidrOf(policy.from);
  return policyFamilies(policy).map((family) =>
    rule(family, policy.table, {
      src: from?.prefix === 0 ? null : from,
      ipProto: policy.ipProto === null ? null : Number(policy.ipProto),
      sport: portRange(policy.sport),
      dport: portRange(policy.dport),
    }),
  );
}

const everything: Readonly<Record<Family, RouteRecord>> = {
  4: { prefix: '0.0.0.0/0', via: null },
  6: { prefix: '::/0', via: null },
};

function policyPieces(ifindex: number, policy: PolicyRecord, field: string): Piece[] {
  const text = [policy.from, policy.ipProto, policy.sport, policy.dport].map((part) => part ?? '').join(';');
  const own = policy.routes.map((r, i): Piece => ({
    kind: 'route',
    route: route(ifindex, r, policy.table),
    field: `${field}.routes[${i}].prefix`,
    value: r.prefix,
  }));
  const implied =
    own.length > 0
      ? []
      : policyFamilies(policy).map((family): Piece => {
          const all = everything[family];
          return { kind: 'route', route: route(ifindex, all, policy.table), field, value: text };
        });
  return [
    ...own,
    ...implied,
    ...rules(policy).map((r): Piece => ({ kind: 'rule', rule: r, field, value: text })),
  ];
}

/** In the order in which the later need the earlier. What is said twice is there once. */
export function piecesOf(ip: IpRecord, ifindex: number, side: Side): Piece[] {
  const pieces: Piece[] = [
    ...ip.addresses.map((value, i): Piece => {
      const cidr = cidrOf(value);
      const address = addressSpec(ifindex, cidr, { noDad: cidr.family === 6 });
      return { kind: 'address', address, field: `${side}.addresses[${i}]`, value };
    }),
    ...ip.routes.map((r, i): Piece => ({
      kind: 'route',
      route: route(ifindex, r, RT_TABLE_MAIN),
      field: `${side}.routes[${i}].prefix`,
      value: r.prefix,
    })),
    ...ip.neighbors.map(({ address, mac }, i): Piece => {
      const field = `${side}.neighbors[${i}].address`;
      return { kind: 'neighbor', ifindex, address, mac, field, value: address };
    }),
    ...ip.policies.flatMap((policy, i) => policyPieces(ifindex, policy, `${side}.policies[${i}]`)),
  ];
  const bySlot = new Map<string, Piece>();
  for (const piece of pieces) if (!bySlot.has(slotOf(piece))) bySlot.set(slotOf(piece), piece);
  return [...bySlot.values()];
}

export const routeSlot = ({ family, table, dst, metric }: RouteSpec): string =>
  `route ${family} ${table} ${dst === null ? 'default' : formatCidr(dst)} ${metric ?? 0}`;
export const ruleSlot = (r: Rule): string => `rule ${encodeRule({ ...r, priority: null }).toString('hex')}`;
export const addressSlot = ({ cidr }: AddressSpec): string => `address ${formatCidr(cidr)}`;
export const neighborSlot = (address: string): string => `neighbor ${address}`;

export function familyOf(piece: Piece): Family {
  switch (piece.kind) {
    case 'address':
      return piece.address.cidr.family;
    case 'route':
      return piece.route.family;
    case 'neighbor':
      return ipFamily(piece.address);
    case 'rule':
      return piece.rule.family;
  }
}

/** What the interface has room for once. */
export function slotOf(piece: Piece): string {
  switch (piece.kind) {
    case 'address':
      return addressSlot(piece.address);
    case 'route':
      return routeSlot(piece.route);
    case 'neighbor':
      return neighborSlot(piece.address);
    case 'rule':
      return ruleSlot(piece.rule);
  }
}

/** What is in the slot, where that can be one thing or another. */
export function contentOf(piece: Piece): string {
  switch (piece.kind) {
    case 'route':
      return piece.route.gateway ?? '';
    case 'neighbor':
      return `${piece.mac} permanent`;
    case 'address':
    case 'rule':
      return '';
  }
}

/** Never takes the place of what is there. */
export function additionOf(piece: Piece): Request {
  switch (piece.kind) {
    case 'address':
      return addAddressRequest(piece.address);
    case 'route':
      return addRouteRequest(piece.route);
    case 'neighbor':
      // What the kernel has learnt by itself is no reason to refuse.
      return setNeighbourRequest(piece.ifindex, piece.address, piece.mac);
    case 'rule':
      return addRuleRequest(piece.rule);
  }
}

/** Takes the place of what is in the slot; only routes and neighbours can have another content. */
export const replacementOf = (piece: Piece): Request =>
  piece.kind === 'route' ? replaceRouteRequest(piece.route) : additionOf(piece);

/** `priority` is what the kernel gave to a rule. */
export function removalOf(piece: Piece, priority: number | null): Request {
  switch (piece.kind) {
    case 'address':
      return deleteAddressRequest(piece.address);
    case 'route':
      return deleteRouteRequest(piece.route);
    case 'neighbor':
      return deleteNeighbourRequest(piece.ifindex, piece.address);
    case 'rule':
      return deleteRuleRequest({ ...piece.rule, priority });
  }
}

function ruleName({ src, ipProto, sport, dport, table }: Rule): string {
  const range = ({ from, to }: PortRange): string => (from === to ? String(from) : `${from}-${to}`);
  const parts = [
    ...(src === null ? [] : [`from ${formatCidr(src)}`]),
    ...(ipProto === null ? [] : [`ipproto ${ipProto}`]),
    ...(sport === null ? [] : [`sport ${range(sport)}`]),
    ...(dport === null ? [] : [`dport ${range(dport)}`]),
  ];
  return `rule ${parts.join(' ')} to table ${table}`;
}

/** For people: what it is. */
export function nameOf(piece: Piece): string {
  const via = (gateway: string | null): string => (gateway === null ? '' : ` via ${gateway}`);
  switch (piece.kind) {
    case 'address':
      return `address ${piece.value}`;
    case 'route': {
      const { dst, gateway, table } = piece.route;
      const where = table === RT_TABLE_MAIN ? '' : ` in table ${table}`;
      return `route ${dst === null ? 'default' : formatCidr(dst)}${via(gateway)}${where}`;
    }
    case 'neighbor':
      return `neighbour ${piece.address} ${piece.mac}`;
    case 'rule':
      return ruleName(piece.rule);
  }
}
