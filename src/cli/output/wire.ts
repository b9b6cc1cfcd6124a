import type { CounterItem, PortItem, WireItem } from '../../features/wire/api.ts';
import type { Terminal } from '../shell/io.ts';
import { age } from './age.ts';
import { printable, toneOfState, toned } from './style.ts';
import { cell, columnsText, number } from './table.ts';
import { droppedIn } from './wires.ts';

const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ');

function portText(side: string, port: PortItem): string {
  const lines = [
    `${side}  ${printable(port.name)} (ifindex ${port.ifindex}) in ${printable(port.netns)}`,
    `mac        ${port.mac}`,
    `addresses  ${port.addresses.length === 0 ? '-' : port.addresses.map(printable).join(', ')}`,
    `host end   ${printable(port.host.name)} (ifindex ${port.host.ifindex})`,
  ];
  const [first = '', ...rest] = lines;
  return `${first}\n${rest.map((line) => `  ${line}\n`).join('')}`;
}

const reasons = ({ dropped }: CounterItem): string =>
  Object.entries(dropped)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');

/** State, ends and settings: what `inspect` and `explain` both begin with. */
export function wireHeadText(wire: WireItem, now: Date, terminal: Terminal): string {
  const state = toned(wire.state, toneOfState[wire.state], terminal);
  return [
    `${toned(`Wire ${wire.id}`, 'strong', terminal)}  ${printable(wire.connection)}  ${state}\n`,
    `  service    ${printable(wire.service ?? '-')}\n`,
    `  since      ${wire.since} (${age(wire.since, now)})\n`,
    `  mtu        ${wire.mtu} bytes\n`,
    indented(portText('left ', wire.left)),
    indented(portText('right', wire.right)),
  ].join('');
}

export function hopsText(wire: WireItem, terminal: Terminal): string {
  const rows = wire.hops.map(({ from, to, datapath, action, reason }) => [
    cell(from),
    cell(to),
    cell(datapath),
    cell(action, /^(drop|missing)/.test(action) ? 'bad' : 'plain'),
    cell(reason),
  ]);
  const table = columnsText(['FROM', 'TO', 'DATAPATH', 'ACTION', 'WHY THIS DATAPATH'], rows, terminal);
  return `${toned('Hops', 'strong', terminal)}\n${indented(table)}`;
}

function countersText({ counters }: WireItem, terminal: Terminal): string {
  const row = (direction: string, counter: CounterItem) => [
    cell(direction),
    number(counter.packets),
    number(counter.segments),
    number(counter.bytes),
    number(droppedIn(counter)),
    cell(reasons(counter), droppedIn(counter) === 0n ? 'plain' : 'warning'),
  ];
  const rows = [row('left to right', counters.leftToRight), row('right to left', counters.rightToLeft)];
  const head = ['DIRECTION', 'PACKETS', 'SEGMENTS', 'BYTES', 'DROPPED', 'WHY DROPPED'];
  return `${toned('Counters', 'strong', terminal)}\n${indented(columnsText(head, rows, terminal))}`;
}

/** Everything about one wire, for a person. */
export const wireText = (wire: WireItem, now: Date, terminal: Terminal): string =>
  [wireHeadText(wire, now, terminal), hopsText(wire, terminal), countersText(wire, terminal)].join('\n');
