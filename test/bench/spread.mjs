// The experiment `spread`: node test/bench/spread.mjs [--quick] [--rounds N] [--ms N] [--save], inside
// test/sandbox.sh. A wire whose receive work moves to another CPU when that helps, against the bare pair and
// against the same wire without. Ends 0 when every subject had its turns, whatever they showed.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { endWithin, skipFor } from './deadline.mjs';
import { describeMachine, machineLine } from './machine.mjs';
import { makePods } from './pods.mjs';
import { killAll } from './process.mjs';
import { page, results, workTable } from './report.mjs';
import { playRounds } from './rounds.mjs';
import bare from './subjects/bare.mjs';
import { vwireClsact, vwireSpread } from './subjects/vwire.mjs';
import pingpong from './works/pingpong.mjs';
import { tcp } from './works/tcp.mjs';
import udpSegment from './works/udp-segment.mjs';
import udpSmall from './works/udp-small.mjs';

const saved = fileURLToPath(new URL('../../docs/bench/spread.md', import.meta.url));
const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    ms: { type: 'string' },
    save: { type: 'boolean', default: false },
  },
});
const rounds = Number(given.rounds ?? (given.quick ? 1 : 5));
const ms = Number(given.ms ?? (given.quick ? 600 : 1500));
const subjects = [bare, vwireClsact, vwireSpread];
const measurements = [udpSmall, udpSegment, tcp(1), tcp(4), pingpong];
endWithin(20);
skipFor('spread', vwireSpread.unavailable());

const { machine, kernel } = describeMachine();
const line = machineLine(`${rounds} rounds of ${ms} ms, interleaved; sender on CPU 0, receiver on CPU 1`);
console.log(line);
const notes = [];
await makePods();
const samples = await playRounds({
  subjects,
  measurements,
  rounds,
  ms,
  progress: () => undefined,
  failed: ({ round, work, subject, message }) => {
    notes.push(`\`${subject}\` ${work} round ${round + 1}: ${message}`);
    console.error(`FAILED ${notes.at(-1)}`);
  },
});
killAll();
const figures = results({ machine, kernel, rounds, measurements, samples, reference: bare.name });
for (const work of figures.works) console.log(`\n${work.work}\n\n${workTable(work)}`);
if (given.save) {
  writeFileSync(
    saved,
    page({ title: 'Spread over two CPUs', line, figures, subjects, notes, plot: null, floor: null }),
  );
  console.log('\nSaved to docs/bench/spread.md');
}
process.exit(notes.length === 0 ? 0 : 1);
