import { listAddresses } from '../../../net/addr.ts';
import type { Family } from '../../../net/ip.ts';
import { listNeighbours } from '../../../net/neigh.ts';
import { listRoutes } from '../../../net/routes.ts';
import { listRules } from '../../../net/rule.ts';
import type { NetlinkSocket } from '../../../net/socket.ts';
import { addressSlot, neighborSlot, type Piece, routeSlot, ruleSlot } from './pieces.ts';

/** What is in one slot of an interface now. */
export interface Standing {
  readonly content: string;
  /** The kernel put it there, or somebody whose mark is not ours. */
  readonly foreign: boolean;
  /** Of a rule. */
  readonly priority: number | null;
}
export type Standings = ReadonlyMap<string, Standing>;

/** Of an interface that was just made. */
export const bare: Standings = new Map();

const RTPROT_STATIC = 4;

interface Reading {
  addresses: boolean;
  neighbors: boolean;
  /** Family and table. */
  tables: Map<string, { family: Family; table: number }>;
  rules: Set<Family>;
}

/** Only lists that have to do with these pieces are read: each can be long in a busy pod. */
function readingFor(pieces: readonly Piece[]): Reading {
  const reading: Reading = { addresses: false, neighbors: false, tables: new Map(), rules: new Set() };
  for (const piece of pieces)
    switch (piece.kind) {
      case 'address':
        reading.addresses = true;
        break;
      case 'neighbor':
        reading.neighbors = true;
        break;
      case 'rule':
        reading.rules.add(piece.rule.family);
        break;
      case 'route': {
        const { family, table } = piece.route;
        reading.tables.set(`${family} ${table}`, { family, table });
      }
    }
  return reading;
}

/** What the kernel has of these pieces' kinds at the interface, read in the socket's namespace. */
export function readStandings(socket: NetlinkSocket, ifindex: number, pieces: readonly Piece[]): Standings {
  const found = new Map<string, Standing>();
  const reading = readingFor(pieces);
  if (reading.addresses)
    for (const address of listAddresses(socket, ifindex))
      found.set(addressSlot(address), { content: '', foreign: false, priority: null });
  for (const { family, table } of reading.tables.values())
    for (const route of listRoutes(socket, family, table, ifindex)) {
      // A branch of a multipath route is somebody else's, whatever device it leads over.
      if (route.oif !== ifindex || route.type !== 'unicast') continue;
      const foreign = route.protocol !== RTPROT_STATIC;
      found.set(routeSlot(route), { content: route.gateway ?? '', foreign, priority: null });
    }
  if (reading.neighbors)
    for (const { address, mac, state } of listNeighbours(socket, ifindex))
      found.set(neighborSlot(address), { content: `${mac ?? ''} ${state}`, foreign: false, priority: null });
  for (const family of reading.rules)
    for (const rule of listRules(socket, family))
      found.set(ruleSlot(rule), { content: '', foreign: false, priority: rule.priority });
  return found;
}
