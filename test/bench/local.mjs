// Pod to pod on one node: node test/bench/local.mjs [--quick] [--json FILE] [--save] [--rounds N] [--ms N]
// [--only NAME,...], inside test/sandbox.sh. Ends 0 when every subject here had its turns.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { endWithin } from './deadline.mjs';
import { describeMachine, machineLine } from './machine.mjs';
import { plot } from './plot.mjs';
import { makePods } from './pods.mjs';
import { killAll } from './process.mjs';
import { floorTable, page, results, workTable } from './report.mjs';
import { playRounds } from './rounds.mjs';
import { subjects as known } from './subjects/index.mjs';
import { measurements } from './works/index.mjs';

const docs = fileURLToPath(new URL('../../docs/bench/', import.meta.url));
const reference = known[0].name;

const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    save: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    only: { type: 'string' },
  },
});

function count(name, byDefault, most) {
  if (given[name] === undefined) return byDefault;
  const value = Number(given[name]);
  if (Number.isInteger(value) && value > 0 && value <= most) return value;
  console.error(`bench: --${name} is "${given[name]}": a number from 1 to ${most} is allowed`);
  process.exit(2);
}

function chosen(skip) {
  const only = given.only?.split(',') ?? null;
  const unknown = only?.find((name) => !known.some((subject) => subject.name === name));
  if (unknown !== undefined) {
    const names = known.map(({ name }) => name).join(', ');
    console.error(`bench: --only names "${unknown}": ${names} are known`);
    process.exit(2);
  }
  return known.filter((subject) => {
    if (only !== null && subject.name !== reference && !only.includes(subject.name)) return false;
    const reason = subject.unavailable();
    if (reason !== null) skip(subject.name, reason);
    return reason === null;
  });
}

endWithin(45);

const rounds = count('rounds', given.quick ? 1 : 5, 100);
const ms = count('ms', given.quick ? 400 : 1500, 60_000);
const notes = [];
const note = (kind) => (name, reason) => {
  console.error(`${kind} ${name}: ${reason}`);
  notes.push(`\`${name}\`: ${reason}`);
};
const subjects = chosen(note('SKIP'));
const { machine, kernel } = describeMachine();
const line = machineLine(
  `${rounds} rounds of ${ms} ms, interleaved; sender on CPU 0, receiver on CPU 1; IPv4, one connected socket, ` +
    'sendmmsg 64, 18-byte payload',
);
console.log(line);

let broken = false;
await makePods();
const samples = await playRounds({
  subjects,
  measurements,
  rounds,
  ms,
  progress: ({ round, work, subject }) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kround ${round + 1}/${rounds} ${work} ${subject}`);
  },
  failed: ({ round, work, subject, message }) => {
    broken = true;
    note('FAILED')(`${subject} ${work} round ${round + 1}`, message);
  },
});
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
killAll();

const figures = results({ machine, kernel, rounds, measurements, samples, reference });
const floor = floorTable(samples, {
  work: 'udp-small',
  floor: 'tc-redirect-peer',
  ours: ['vwire-tcx', 'vwire-clsact'],
});
for (const work of figures.works) console.log(`\n${work.work}\n\n${workTable(work)}`);
if (floor !== null) console.log(`\n${floor}`);
if (given.json !== undefined) writeFileSync(given.json, `${JSON.stringify(figures, null, 2)}\n`);
if (given.save) {
  mkdirSync(docs, { recursive: true });
  const title = 'Pod to pod on one node';
  writeFileSync(`${docs}local.json`, `${JSON.stringify(figures, null, 2)}\n`);
  writeFileSync(`${docs}local.svg`, plot(figures, line));
  writeFileSync(`${docs}local.md`, page({ title, line, figures, subjects, notes, plot: 'local.svg', floor }));
  console.log(`\nSaved to docs/bench/local.md`);
}
process.exit(broken ? 1 : 0);
