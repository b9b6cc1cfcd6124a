import type { ConnectionItem, ConnectionState } from '../../features/connection/api.ts';
import type { WireItem } from '../../features/wire/api.ts';
import type { Terminal } from '../shell/io.ts';
import { age } from './age.ts';
import { type Tone, toneOfState } from './style.ts';
import { type Cell, cell, number, tableText } from './table.ts';
import { droppedIn } from './wires.ts';

/** A connection, the wire it has, or both. */
interface Row {
  /** What `close`, `inspect` and `explain` take for it. */
  name: string;
  connection: ConnectionItem | null;
  wire: WireItem | null;
}

export const toneOfConnection: Readonly<Record<ConnectionState, Tone>> = {
  opening: 'warning',
  up: 'good',
  down: 'bad',
  healing: 'warning',
  closing: 'warning',
};

/** By the agent's ids: the client's where only one connection has it, which is what people know it by. */
export function namesOf(
  connections: readonly Pick<ConnectionItem, 'id' | 'clientId'>[],
): ReadonlyMap<string, string> {
  const clients = new Map<string, number>();
  for (const { clientId } of connections) clients.set(clientId, (clients.get(clientId) ?? 0) + 1);
  return new Map(
    connections.map(({ id, clientId }) => [
      id,
      // All digits would be read as the id of a wire.
      clients.get(clientId) === 1 && !/^\d+$/.test(clientId) ? clientId : id,
    ]),
  );
}

/** Wires in the order of their ids, each with its connection; then the connections that have none. */
function rowsOf(wires: readonly WireItem[], connections: readonly ConnectionItem[]): Row[] {
  const byWire = new Map(connections.map((connection) => [connection.wire, connection]));
  const names = namesOf(connections);
  const nameOf = ({ id }: ConnectionItem): string => names.get(id) ?? id;
  const ids = new Set(wires.map(({ id }) => id));
  return [
    ...wires.map((wire) => {
      const connection = byWire.get(wire.id) ?? null;
      return { wire, connection, name: connection === null ? wire.connection : nameOf(connection) };
    }),
    ...connections
      .filter(({ wire }) => wire === null || !ids.has(wire))
      .map((connection) => ({ wire: null, connection, name: nameOf(connection) })),
  ];
}

/** A connection's own state says more than its wire's. */
function state({ connection, wire }: Row): Cell {
  if (connection !== null) return cell(connection.state, toneOfConnection[connection.state]);
  return wire === null ? cell('') : cell(wire.state, toneOfState[wire.state]);
}

function end(row: Row, side: 'left' | 'right'): string {
  const { netns = '', name = '' } = row.wire?.[side] ?? row.connection?.[side] ?? {};
  return `${netns} ${name}`.trim();
}

function counts({ wire }: Row): Cell[] {
  if (wire === null) return [cell(''), cell('')];
  const { leftToRight, rightToLeft } = wire.counters;
  const dropped = droppedIn(leftToRight) + droppedIn(rightToLeft);
  return [
    number(leftToRight.packets + rightToLeft.packets),
    dropped === 0n ? number(0) : { ...number(dropped), tone: 'warning' },
  ];
}

const head = [
  'ID',
  'CONNECTION',
  'SERVICE',
  'ENDPOINT',
  'STATE',
  'LEFT',
  'RIGHT',
  'PACKETS',
  'DROPPED',
  'AGE',
];

/** All that an instance carries, one row each. */
export const overviewText = async (
  wires: readonly WireItem[],
  connections: readonly ConnectionItem[],
  now: Date,
  terminal: Terminal,
): Promise<string> =>
  tableText(
    head,
    rowsOf(wires, connections).map((row) => [
      row.wire === null ? { ...cell(''), right: true } : number(row.wire.id),
      cell(row.name),
      cell(row.connection?.service ?? row.wire?.service ?? ''),
      cell(row.connection?.endpoint ?? ''),
      state(row),
      cell(end(row, 'left')),
      cell(end(row, 'right')),
      ...counts(row),
      cell(age(row.connection?.since ?? row.wire?.since ?? '', now)),
    ]),
    terminal,
  );

/** What `close`, `inspect` and `explain` take. */
export const overviewNames = (wires: readonly WireItem[], connections: readonly ConnectionItem[]): string[] =>
  rowsOf(wires, connections).map(({ name }) => name);
