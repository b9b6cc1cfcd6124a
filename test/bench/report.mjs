// Figures as JSON and as a table.
import { summary } from './statistics.mjs';

/** {machine, kernel, rounds, works:[{work, subjects:[...]}]}; `reference` names the bare subject. */
export function results({ machine, kernel, rounds, measurements, samples, reference }) {
  const works = measurements
    .flatMap((measurement) => measurement.works)
    .map(({ work, unit }) => {
      const bySubject = samples.get(work);
      const references = bySubject.get(reference).map((sample) => sample?.value ?? null);
      const lines = [...bySubject].map(([name, taken]) => summary(name, unit, taken, references));
      return { work, subjects: lines.filter((line) => line !== null) };
    });
  return { machine, kernel, rounds, works };
}

/** Four significant digits, thousands apart. */
export function figure(value) {
  if (value >= 1000) return Math.round(Number(value.toPrecision(4))).toLocaleString('en-US');
  return String(Number(value.toPrecision(4)));
}

const ratio = ({ median, low, high }) => `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;

function table(header, rows) {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length), 3));
  const line = (cells) => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export function workTable({ subjects }) {
  const rows = subjects.map((s) => [
    s.name,
    figure(s.median),
    `${figure(s.min)} to ${figure(s.max)}`,
    s.ratio === null ? '-' : ratio(s.ratio),
    s.cpu.toFixed(2),
  ]);
  const unit = subjects[0]?.unit ?? '';
  return table(['subject', unit, 'min to max', 'ratio to bare', 'CPUs busy'], rows);
}

/** The page kept in docs/: `line` is the machine's line, `subjects` the list with remarks, `notes` what was left out. */
export function page({ title, line, figures, subjects, notes, plot }) {
  const named = new Set(figures.works.flatMap((work) => work.subjects.map(({ name }) => name)));
  const remarks = subjects
    .filter(({ name }) => named.has(name))
    .map(({ name, remark }) => `- \`${name}\`: ${remark}`);
  const works = figures.works.map((work) => `## ${work.work}\n\n${workTable(work)}`);
  return [
    `# ${title}`,
    line,
    'Medians over rounds; the ratio is against the bare pair of the same round, with its lowest and highest. Only ratios of one run compare. For round trips lower is better. CPUs busy is the whole machine while the sender ran.',
    `![ratios](${plot})`,
    ...works,
    '## Subjects',
    remarks.join('\n'),
    ...(notes.length > 0 ? ['## Left out', notes.map((note) => `- ${note}`).join('\n')] : []),
  ]
    .join('\n\n')
    .concat('\n');
}
