import type { Rates, WireRates } from '../rates.ts';
import type { Terminal } from '../shell/io.ts';
import { namesOf } from './overview.ts';
import { printable, toned } from './style.ts';

const steps = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** `0`, `7`, `1.2k`, `34M`: three digits at most, a decimal point below ten. */
export function short(value: number): string {
  const rounded = value < 1_000 ? Math.round(value) : value;
  let scaled = rounded;
  let step = 0;
  while (scaled >= 999.5 && step < steps.length - 1) {
    scaled /= 1_000;
    step++;
  }
  const digits = step > 0 && scaled < 9.95 ? scaled.toFixed(1) : String(Math.round(scaled));
  return `${digits}${steps[step] ?? ''}`;
}

interface Column {
  title: string;
  right: boolean;
  text: (wire: WireRates) => string;
}

const drops = ({ leftToRight, rightToLeft }: WireRates): number => leftToRight.dropped + rightToLeft.dropped;

const rate = (title: string, of: (wire: WireRates) => number): Column => ({
  title,
  right: true,
  text: (wire) => short(of(wire)),
});
const id: Column = { title: 'WIRE', right: true, text: ({ wire }) => String(wire) };
const service: Column = { title: 'SERVICE', right: false, text: (wire) => wire.service ?? '-' };
const packetsThere = rate('> PKT/S', (wire) => wire.leftToRight.packets);
const packetsBack = rate('< PKT/S', (wire) => wire.rightToLeft.packets);
const bitsThere = rate('> BIT/S', (wire) => wire.leftToRight.bits);
const bitsBack = rate('< BIT/S', (wire) => wire.rightToLeft.bits);
const bits = rate('BIT/S', (wire) => wire.leftToRight.bits + wire.rightToLeft.bits);
const dropped = rate('DROP/S', drops);

function nameColumn({ wires }: Rates): Column {
  const names = namesOf(
    wires.map(({ connection, clientId }) => ({ id: connection, clientId: clientId ?? connection })),
  );
  const text = ({ wire, connection }: WireRates): string =>
    wire === 0 ? '(no wire)' : (names.get(connection) ?? connection);
  return { title: 'CONNECTION', right: false, text };
}

/** From the widest terminal to the narrowest. */
const layouts = (name: Column): Column[][] => [
  [id, name, service, packetsThere, bitsThere, packetsBack, bitsBack, dropped],
  [id, name, packetsThere, bitsThere, packetsBack, bitsBack, dropped],
  [id, name, bitsThere, bitsBack, dropped],
  [name, bitsThere, bitsBack, dropped],
  [name, bits, dropped],
  [name, bits],
  [name],
];

function fit(text: string, width: number, right: boolean): string {
  if (text.length > width) return `${text.slice(0, Math.max(0, width - 1))}…`;
  return right ? text.padStart(width) : text.padEnd(width);
}

const gap = 2;
const leastName = 10;

/** The widest layout that fits, and its widths; the connection's gives what is missing, down to ten letters. */
function laidOut(rates: Rates, shown: readonly WireRates[], width: number): [Column, number][] {
  const name = nameColumn(rates);
  const widthOf = (column: Column): number =>
    Math.max(column.title.length, ...shown.map((wire) => printable(column.text(wire)).length));
  const nameWidth = widthOf(name);
  for (const layout of layouts(name)) {
    const others = layout.reduce((sum, column) => sum + (column === name ? 0 : gap + widthOf(column)), 0);
    const left = Math.min(nameWidth, width - others);
    if (left >= Math.min(nameWidth, leastName) || layout.length === 1)
      return layout.map((column) => [column, column === name ? left : widthOf(column)]);
  }
  return [];
}

/** The lines of a table of rates; none is longer than `width`, and there are `height` at most. */
export function ratesLines(
  rates: Rates,
  terminal: Terminal,
  { width, height }: { width: number; height: number },
): string[] {
  const room = Math.max(0, height - 1);
  const shown = rates.wires.slice(0, rates.wires.length > room ? Math.max(0, room - 1) : room);
  const columns = laidOut(rates, shown, width);
  const line = (text: (column: Column) => string): string =>
    columns.map(([column, each]) => fit(printable(text(column)), each, column.right)).join(' '.repeat(gap));
  const rows = shown.map((wire) => {
    const row = line((column) => column.text(wire)).slice(0, width);
    return drops(wire) > 0 ? toned(row, 'warning', terminal) : row;
  });
  const rest = rates.wires.length - shown.length;
  return [
    toned(line(({ title }) => title).slice(0, width), 'strong', terminal),
    ...rows,
    ...(rest > 0 ? [`and ${rest} more`.slice(0, width)] : []),
  ].slice(0, Math.max(1, height));
}

function totalText({ wires }: Rates): string {
  const sum = (of: (wire: WireRates) => number): string =>
    short(wires.reduce((total, wire) => total + of(wire), 0));
  return [
    `> ${sum((wire) => wire.leftToRight.packets)} pkt/s ${sum((wire) => wire.leftToRight.bits)} bit/s`,
    `< ${sum((wire) => wire.rightToLeft.packets)} pkt/s ${sum((wire) => wire.rightToLeft.bits)} bit/s`,
    `${sum(drops)} dropped/s`,
  ].join('  ');
}

/** What stands above the table: whose it is, and the sum. */
export function ratesHead(rates: Rates, instance: string, now: Date, width: number): string[] {
  const count = rates.wires.filter(({ wire }) => wire !== 0).length;
  return [
    `vwire top  instance ${instance}  ${count} ${count === 1 ? 'wire' : 'wires'}  ${now.toISOString()}`,
    totalText(rates),
  ].map((text) => text.slice(0, width));
}
