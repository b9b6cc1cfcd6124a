import type { CounterItem, PortItem, WireItem } from '../../features/wire/api.ts';
import type { Terminal } from '../shell/io.ts';
import { age } from './age.ts';
import { toneOfState } from './style.ts';
import { type Cell, cell, number, tableText } from './table.ts';

const head = ['ID', 'CONNECTION', 'STATE', 'LEFT', 'RIGHT', 'DATAPATH', 'PACKETS', 'DROPPED', 'AGE'];

const end = ({ netns, name }: PortItem): string => `${netns} ${name}`;

export const droppedIn = ({ dropped }: CounterItem): bigint =>
  Object.values(dropped).reduce((sum, count) => sum + count, 0n);

/** One word where all hops agree. */
const datapaths = ({ hops }: WireItem): string =>
  [...new Set(hops.map(({ datapath }) => datapath))].join('+');

function row(wire: WireItem, now: Date): Cell[] {
  const { leftToRight, rightToLeft } = wire.counters;
  const dropped = droppedIn(leftToRight) + droppedIn(rightToLeft);
  return [
    number(wire.id),
    cell(wire.connection),
    cell(wire.state, toneOfState[wire.state]),
    cell(end(wire.left)),
    cell(end(wire.right)),
    cell(datapaths(wire)),
    number(leftToRight.packets + rightToLeft.packets),
    dropped === 0n ? number(0) : { ...number(dropped), tone: 'warning' },
    cell(age(wire.since, now)),
  ];
}

export const wireListText = async (
  wires: readonly WireItem[],
  now: Date,
  terminal: Terminal,
): Promise<string> =>
  tableText(
    head,
    wires.map((wire) => row(wire, now)),
    terminal,
  );
