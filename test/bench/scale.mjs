// Many wires: node test/bench/scale.mjs [--quick] [--json FILE] [--save] [--wires N] [--namespaces N], inside
// test/sandbox.sh. Tables of different size cannot take turns in one agent, so each is measured between two
// measurements of a small one.
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSeconds, openFiles, residentBytes, startAgent, unavailable } from './agent.mjs';
import { chargedBytes, makeMemoryCgroup } from './cgroup.mjs';
import { endWithin, skipFor } from './deadline.mjs';
import { Figures } from './figures.mjs';
import { fillHops } from './filler.mjs';
import { costOver, makeNamespaces, openWires } from './many-wires.mjs';
import { median } from './statistics.mjs';

const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    save: { type: 'boolean', default: false },
    wires: { type: 'string' },
    namespaces: { type: 'string' },
  },
});
const instance = 'scale';
const few = 64;

function count(name, byDefault, least, most) {
  if (given[name] === undefined) return byDefault;
  const value = Number(given[name]);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  console.error(`bench: --${name} is "${given[name]}": a number from ${least} to ${most} is allowed`);
  process.exit(2);
}
const wires = count('wires', given.quick ? 500 : 10_000, 2 * few, 100_000);
const namespaces = count('namespaces', given.quick ? 20 : 100, 3, 1000);
const entries = given.quick ? 100_000 : 1_000_000;
const rounds = given.quick ? 3 : 5;
const idleMs = given.quick ? 10_000 : 20_000;

endWithin(20);
skipFor('scale', unavailable());

async function timed(work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

async function cost(numbers) {
  const samples = [];
  for (let round = 0; round < rounds; round++) samples.push(await costOver(numbers, namespaces, 1000));
  return median(samples);
}

/** Different numbers below `limit`, a different choice each time, the same in each run. */
function scattered(howMany, limit) {
  const step = 7919;
  return [...new Set(Array.from({ length: howMany * 2 }, (_, i) => (i * step + 13) % limit))].slice(
    0,
    howMany,
  );
}

const figures = new Figures(`${wires} wires over ${namespaces} namespaces`, { wires, namespaces });
await makeNamespaces(namespaces);
const cgroup = makeMemoryCgroup(process.env.VWIRE_BENCH_CGROUP ?? 'vwire-bench');
if (cgroup === null)
  console.error('SKIP memory cgroup: this machine has no memory controller to make one in');
// Each wire is two entries; the filler must fit beside them.
const maxWires = String(Math.max(wires, entries / 2) + wires);
const agent = await startAgent(instance, { cgroup, args: ['--max-wires', maxWires] });
const book = await openWires(agent.socketPath, instance, namespaces);
const all = Array.from({ length: wires }, (_, i) => i);
const first = all.slice(0, few);
const rest = all.slice(few);
const chargedBefore = cgroup === null ? 0 : chargedBytes(cgroup);

const upFirst = await timed(() => book.add(first));
const before = await cost(first);
const upRest = await timed(() => book.add(rest));
figures.report('up', 's', upFirst + upRest, given.quick ? null : 40);
figures.report('resident memory of the agent', 'MiB', residentBytes(agent.pid).now / 2 ** 20, 150);
figures.report('highest resident memory of the agent', 'MiB', residentBytes(agent.pid).peak / 2 ** 20);
figures.report('open files of the agent', 'fds', openFiles(agent.pid), 500);
if (cgroup !== null)
  figures.report('memory charged per wire', 'KiB', (chargedBytes(cgroup) - chargedBefore) / wires / 1024);
if (cgroup !== null) figures.report('memory charged in all', 'MiB', chargedBytes(cgroup) / 2 ** 20);

// What the last additions left to do (garbage to collect, deferred work) is not idling.
await wait(2_000);
const spent = cpuSeconds(agent.pid);
const idle = await timed(() => wait(idleMs));
figures.report('idle CPU of the agent', '%', ((cpuSeconds(agent.pid) - spent) / idle) * 100, 0.1);

const among = await cost(scattered(few, wires));
const downRest = await timed(() => book.remove(rest));
const after = await cost(first);
figures.report(`packet over ${few} of ${few} wires`, 'ns', (before + after) / 2);
figures.report(`packet over ${few} of ${wires} wires`, 'ns', among);
figures.report('ratio', 'of the former', among / ((before + after) / 2), 1.05);

const filler = await fillHops(agent.pins, entries);
const full = await cost(first);
filler.remove();
const emptied = await cost(first);
figures.report(`packet, ${entries} entries in the table`, 'ns', full);
figures.report('ratio', 'of none', full / ((after + emptied) / 2), 1.1);

const downFirst = await timed(() => book.remove(first));
figures.report('down', 's', downRest + downFirst, given.quick ? null : 10);
book.close();
await agent.stop();

figures.keep({
  title: 'Ten thousand wires',
  said: `One run of \`npm run bench -- scale\`: ${wires} wires over ${namespaces} namespaces, asked for through the agent's socket. What these figures say is in [README.md](README.md).`,
  json: given.json ?? null,
  page: given.save ? 'scale' : null,
});
process.exit(0);
