// Where the time of a small packet goes: node test/bench/profile.mjs [--rounds N] [--ms N] [--only NAME,...]
// [--beside N] [--save], inside test/sandbox.sh. perf samples the sender, whose CPU carries a packet into the
// far socket on every way compared here; samples of a function, by packets delivered, are its nanoseconds per
// packet. They are of CPU time: a busy machine makes them fewer, not longer.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machineLine } from './machine.mjs';
import { makeIdle, makePods, pods, removeIdle } from './pods.mjs';
import { killAll, resultOf, run, start } from './process.mjs';
import { profileTable } from './report.mjs';
import { subjects as known } from './subjects/index.mjs';
import { bin, settle } from './traffic.mjs';

const page = fileURLToPath(new URL('../../docs/bench/profile.md', import.meta.url));
const { values: given } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    ms: { type: 'string', default: '2000' },
    only: { type: 'string', default: 'bare,tc-redirect-peer,vwire-clsact,vwire-tcx' },
    beside: { type: 'string', default: '10000' },
    save: { type: 'boolean', default: false },
  },
});
const [rounds, ms, beside] = [given.rounds, given.ms, given.beside].map(Number);
const subjects = given.only.split(',').map((name) => {
  const subject = known.find((each) => each.name === name);
  const missing = subject === undefined ? 'it is not known' : subject.unavailable();
  if (missing === null) return subject;
  console.error(`bench: --only names "${name}": ${missing}`);
  process.exit(2);
});
try {
  execFileSync('perf', ['--version'], { stdio: 'ignore' });
} catch {
  console.error("SKIP profile: no 'perf' here: install linux-perf");
  process.exit(0);
}

const frequency = 4999;
const directory = mkdtempSync(join(tmpdir(), 'vwire-profile-'));

/** Of each sample the function it fell into: a line is an address and a name. */
const functionsIn = (script) =>
  script.split('\n').flatMap((line) => /^\s*[0-9a-f]+\s+(.+)$/.exec(line)?.[1] ?? []);

async function sample() {
  const data = join(directory, 'perf.data');
  const sink = start([bin('udp-sink'), '--cpu', '1'], { netns: pods.right.netns });
  try {
    await sink.ready();
    const record = ['perf', 'record', '-q', '-e', 'cpu-clock', '-F', String(frequency), '-o', data, '--'];
    const send = [bin('udp-send'), '--to', pods.right.address, '--ms', String(ms), '--cpu', '0'];
    await run([...record, ...send], pods.left.netns);
    const { delivered } = resultOf(await sink.stop());
    const script = execFileSync('perf', ['script', '-i', data, '-F', 'ip,sym'], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return { delivered, functions: functionsIn(script) };
  } finally {
    await sink.stop();
  }
}

/** Programs are called after their tag, and what was compiled in pieces (.isra.0) after the whole. */
const nameOf = (symbol) =>
  symbol.startsWith('bpf_prog_') ? 'BPF program' : symbol.replace(/\.(isra|constprop|part|cold)\b.*$/, '');

/** Each way in turn, with `idle` pairs of devices beside its own. */
async function measure(idle) {
  const totals = new Map(subjects.map(({ name }) => [name, { delivered: 0, samples: new Map() }]));
  for (let round = 0; round < rounds; round++)
    for (const subject of subjects)
      try {
        await subject.up();
        await settle(subject.name);
        // Younger than the way's own devices, hence before them in the kernel's lists.
        if (idle > 0) await makeIdle(idle);
        const { delivered, functions } = await sample();
        const total = totals.get(subject.name);
        total.delivered += delivered;
        for (const name of functions.map(nameOf)) total.samples.set(name, (total.samples.get(name) ?? 0) + 1);
      } finally {
        if (idle > 0) await removeIdle();
        await subject.down();
      }
  return [...totals].map(([name, { delivered, samples }]) => ({
    name,
    nanoseconds: new Map([...samples].map(([of, times]) => [of, ((times / frequency) * 1e9) / delivered])),
  }));
}

const line = machineLine(`${rounds} rounds of ${ms} ms, interleaved; perf cpu-clock at ${frequency} Hz`);
console.log(line);
await makePods();
const parts = [['Alone', 0], ...(beside > 0 ? [[`Beside ${2 * beside} idle devices`, beside]] : [])];
const tables = [];
for (const [title, idle] of parts) {
  tables.push(`## ${title}\n\n${profileTable(await measure(idle))}`);
  console.log(`\n${tables.at(-1)}`);
}
killAll();
rmSync(directory, { recursive: true });
if (given.save) {
  const said =
    'Nanoseconds of CPU time per delivered packet, by the function they were spent in: sendmmsg of 64 datagrams of 18 bytes, sampled on the sender, whose CPU carries the packet into the far socket. What these figures say is in [README.md](README.md).';
  writeFileSync(page, `${['# Where the time of a small packet goes', line, said, ...tables].join('\n\n')}\n`);
  console.log(`\nSaved to docs/bench/profile.md`);
}
process.exit(0);
