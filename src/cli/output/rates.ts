import type { Rate, Rates, WireRates } from '../rates.ts';
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
  /** Left out in this order where the terminal is too narrow; null stays. */
  leave: number | null;
  text: (wire: WireRates) => string;
}

const drops = ({ leftToRight, rightToLeft }: WireRates): number => leftToRight.dropped + rightToLeft.dropped;

function columnsOf(rates: Rates): Column[] {
  const names = namesOf(
    rates.wires.map(({ connection, clientId }) => ({ id: connection, clientId: clientId ?? connection })),
  );
  const rate = (title: string, leave: number, of: (wire: WireRates) => Rate, what: keyof Rate): Column => ({
    title,
    right: true,
    leave,
    text: (wire) => short(of(wire)[what]),
  });
  const there = ({ leftToRight }: WireRates): Rate => leftToRight;
  const back = ({ rightToLeft }: WireRates): Rate => rightToLeft;
  return [
    { title: 'WIRE', right: true, leave: 3, text: ({ wire }) => String(wire) },
    {
      title: 'CONNECTION',
      right: false,
      leave: null,
      text: ({ wire, connection }) => (wire === 0 ? '(no wire)' : (names.get(connection) ?? connection)),
    },
    { title: 'SERVICE', right: false, leave: 0, text: ({ service }) => service ?? '-' },
    rate('> PKT/S', 1, there, 'packets'),
    rate('> BIT/S', 4, there, 'bits'),
    rate('< PKT/S', 2, back, 'packets'),
    rate('< BIT/S', 5, back, 'bits'),
    { title: 'DROP/S', right: true, leave: 6, text: (wire) => short(drops(wire)) },
  ];
}

function fit(text: string, width: number, right: boolean): string {
  if (text.length > width) return `${text.slice(0, Math.max(0, width - 1))}…`;
  return right ? text.padStart(width) : text.padEnd(width);
}

const gap = 2;
const leastName = 10;

/** Columns that fit, and their widths; the connection's takes what is left or gives what is missing. */
function laidOut(columns: readonly Column[], wires: readonly WireRates[], width: number): [Column, number][] {
  const widthOf = (column: Column): number =>
    Math.max(column.title.length, ...wires.map((wire) => printable(column.text(wire)).length));
  let kept = columns.map((column): [Column, number] => [column, widthOf(column)]);
  const total = (): number => kept.reduce((sum, [, each]) => sum + each + gap, -gap);
  const least = (): number =>
    total() -
    kept.reduce((sum, [{ leave }, each]) => sum + (leave === null ? Math.max(0, each - leastName) : 0), 0);
  for (let leave = 0; least() > width && leave <= 6; leave++)
    kept = kept.filter(([column]) => column.leave !== leave);
  const excess = Math.max(0, total() - width);
  return kept.map(([column, each]) => [column, column.leave === null ? Math.max(1, each - excess) : each]);
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

/** The lines of a table of rates; none is longer than `width`, and there are `height` at most. */
export function ratesLines(
  rates: Rates,
  terminal: Terminal,
  { width, height }: { width: number; height: number },
): string[] {
  const room = Math.max(0, height - 1);
  const shown = rates.wires.slice(0, rates.wires.length > room ? Math.max(0, room - 1) : room);
  const columns = laidOut(columnsOf(rates), shown, width);
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

/** What stands above the table: whose it is, and the sum. */
export function ratesHead(rates: Rates, instance: string, now: Date, width: number): string[] {
  const count = rates.wires.filter(({ wire }) => wire !== 0).length;
  return [
    `vwire top  instance ${instance}  ${count} ${count === 1 ? 'wire' : 'wires'}  ${now.toISOString()}`,
    totalText(rates),
  ].map((text) => text.slice(0, width));
}
