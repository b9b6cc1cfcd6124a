import type { Terminal } from '../shell/io.ts';
import { type Tone, printable, toned } from './style.ts';

export interface Cell {
  text: string;
  tone: Tone;
  /** Numbers stand to the right. */
  right: boolean;
}

export const cell = (text: string, tone: Tone = 'plain'): Cell => ({ text, tone, right: false });
export const number = (value: bigint | number): Cell => ({ text: String(value), tone: 'plain', right: true });

/** Columns two spaces apart, for programs and for people who pipe into `less`. */
function columns(head: readonly string[], rows: readonly (readonly Cell[])[], terminal: Terminal): string {
  const cells = [head.map((title) => cell(title, 'strong')), ...rows].map((row) =>
    row.map((each) => ({ ...each, text: each.text === '' ? '-' : printable(each.text) })),
  );
  const widths = head.map((_, at) => Math.max(...cells.map((row) => row[at]?.text.length ?? 0)));
  const last = head.length - 1;
  return cells
    .map((row, at) =>
      row
        .map(({ text, tone, right }, column) => {
          const width = widths[column] ?? 0;
          const titleRight = at === 0 && rows.some((other) => other[column]?.right === true);
          const pad = ' '.repeat(width - text.length);
          const shown = toned(text, tone, terminal);
          if (right || titleRight) return pad + shown;
          return column === last ? shown : shown + pad;
        })
        .join('  '),
    )
    .map((row) => `${row}\n`)
    .join('');
}

async function framed(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  terminal: Terminal,
): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const table = new Table({
    head: head.map((title) => toned(title, 'strong', terminal)),
    // Its own colours know nothing of NO_COLOR.
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, at) => (rows.some((row) => row[at]?.right === true) ? 'right' : 'left')),
  });
  for (const row of rows)
    table.push(row.map(({ text, tone }) => toned(text === '' ? '-' : printable(text), tone, terminal)));
  return `${table.toString()}\n`;
}

/** A framed table where somebody watches, plain columns where a program reads. */
export async function tableText(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  terminal: Terminal,
): Promise<string> {
  return terminal.watched ? framed(head, rows, terminal) : columns(head, rows, terminal);
}

/** Columns without a frame, within a longer text. */
export const columnsText = columns;
