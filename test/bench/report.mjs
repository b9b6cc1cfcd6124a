// Figures as JSON and as a table.
import { ratios, summary } from './statistics.mjs';

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

const TOLD_FROM_NS = 12;

const FLOOR =
  'Two devices and a redirect are the least there is between two pods that are not one cable: a program of two lines, without table and counters, is as fast as the kernel lets anything be there. What of the distance to the bare pair is ours is this table, per round; [profile.md](profile.md) says where it goes.';

const ratio = ({ median, low, high }) => `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;

export function table(header, rows) {
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

/**
 * Nanoseconds per packet by function, one column per way. Only functions whose time differs by 12 ns are
 * told by name, those with the largest difference to the first way first.
 */
export function profileTable(ways) {
  const [first] = ways;
  const spent = (way, name) => way.nanoseconds.get(name) ?? 0;
  const names = [...new Set(ways.flatMap(({ nanoseconds }) => [...nanoseconds.keys()]))];
  const spread = (name) => {
    const all = ways.map((way) => spent(way, name));
    return Math.max(...all) - Math.min(...all);
  };
  const told = names
    .filter((name) => spread(name) >= TOLD_FROM_NS)
    .sort((a, b) => spent(ways.at(-1), b) - spent(first, b) - (spent(ways.at(-1), a) - spent(first, a)));
  const sum = (way, some) => some.reduce((total, name) => total + spent(way, name), 0);
  const row = (title, of) => [title, ...ways.map((way) => of(way).toFixed(0))];
  return table(
    ['function', ...ways.map(({ name }) => name)],
    [
      ...told.map((name) => row(`\`${name}\``, (way) => spent(way, name))),
      row(`${names.length - told.length} others`, (way) =>
        sum(
          way,
          names.filter((name) => !told.includes(name)),
        ),
      ),
      row('all', (way) => sum(way, names)),
    ],
  );
}

/** Our ways against a redirect with nothing around it, round by round; null without both. */
export function floorTable(samples, { work, floor, ours }) {
  const values = (name) =>
    samples
      .get(work)
      ?.get(name)
      ?.map((sample) => sample?.value ?? null) ?? [];
  const rows = ours.flatMap((name) => {
    const found = ratios(values(name), values(floor));
    return found === null ? [] : [[name, ratio(found)]];
  });
  return rows.length === 0 ? null : table(['subject', `ratio to ${floor}`], rows);
}

/** The page kept in docs/: `line` is the machine's line, `subjects` the list with remarks, `notes` what was left out. */
export function page({ title, line, figures, subjects, notes, plot, floor }) {
  const named = new Set(figures.works.flatMap((work) => work.subjects.map(({ name }) => name)));
  const remarks = subjects
    .filter(({ name }) => named.has(name))
    .map(({ name, remark }) => `- \`${name}\`: ${remark}`);
  const works = figures.works.map((work) => `## ${work.work}\n\n${workTable(work)}`);
  return [
    `# ${title}`,
    line,
    'Medians over rounds; the ratio is against the bare pair of the same round, with its lowest and highest. Only ratios of one run compare. For round trips lower is better. CPUs busy is the whole machine while the sender ran.',
    ...(plot === null ? [] : [`![ratios](${plot})`]),
    ...works,
    ...(floor === null ? [] : ['## Small packets against the redirect alone', FLOOR, floor]),
    '## Subjects',
    remarks.join('\n'),
    ...(notes.length > 0 ? ['## Left out', notes.map((note) => `- ${note}`).join('\n')] : []),
  ]
    .join('\n\n')
    .concat('\n');
}
