// Requests: node test/bench/control.mjs [--quick] [--json FILE] [--save] [--connections N], inside test/sandbox.sh. What a
// client waits for, from its request to the first packet that is answered; and what connections cost that stand.
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSeconds, openFiles, residentBytes, startAgent, unavailable } from './agent.mjs';
import { endWithin, skipFor } from './deadline.mjs';
import { Figures } from './figures.mjs';
import { run, start } from './process.mjs';
import { FirstPackets, Requests } from './requests.mjs';
import { quantile } from './statistics.mjs';
import { bin } from './traffic.mjs';

const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    save: { type: 'boolean', default: false },
    connections: { type: 'string' },
  },
});
const instance = 'control';
const sequential = given.quick ? 50 : 500;
const standing = Number(given.connections ?? (given.quick ? 500 : 10_000));
if (!Number.isInteger(standing) || standing < 100 || standing > 50_000) {
  console.error(`bench: --connections is "${given.connections}": a number from 100 to 50000 is allowed`);
  process.exit(2);
}
const refreshMs = 120_000;
const watchedMs = given.quick ? 5_000 : 30_000;
const clients = given.quick ? 20 : 100;
/** Of what stands: beside each other, since the kernel's IPv6 grows slow with the interfaces of one namespace. */
const servers = given.quick ? 20 : 100;

endWithin(20);
skipFor('control', unavailable());

const p50 = (values) => quantile(values, 0.5);
const p99 = (values) => quantile(values, 0.99);

const figures = new Figures(
  `one client after another at one endpoint; ${standing} connections that stand, ${clients} clients of ${servers} endpoints`,
  {
    standing,
  },
);
const names = Array.from({ length: clients }, (_, i) => `client-${i}`);
const others = Array.from({ length: servers }, (_, i) => `server-${i}`);
for (const name of [...names, 'server', ...others]) await run(['ip', 'netns', 'add', name]);
const echo = start([bin('pingpong'), 'echo', '--seconds', '3600'], { netns: 'server' });
await echo.ready();
const room = String(2 * standing + 1000);
const args = ['--max-wires', room, '--max-connections', room];
let agent = await startAgent(instance, { args });
const requests = await Requests.open(instance, agent.socketPath, ['server', ...others]);
const first = names.slice(0, 2).map((name) => new FirstPackets(name));
await Promise.all(first.map((packets) => packets.ready()));

// One after the other: what one client waits for.
const answers = [];
const packets = [];
const totals = [];
const closes = [];
for (let i = 0; i < sequential; i++) {
  const which = i % first.length;
  const { ms, connection } = await requests.request(names[which], 'nsm-1', 'server');
  const address = connection.context.ipContext.dstIpAddrs[i % 2].split('/')[0];
  const packet = (await first[which].ask(address)) / 1000;
  answers.push(ms);
  packets.push(packet);
  totals.push(ms + packet);
  closes.push(await requests.close(connection));
}
figures.report('request to first packet answered, p50', 'ms', p50(totals), 5);
figures.report('request to first packet answered, p99', 'ms', p99(totals), 25);
figures.report('of which the answer to the request, p50', 'ms', p50(answers));
figures.report('of which an empty call to the agent, p50', 'ms', p50(await requests.emptyCalls(200)));
figures.report(
  '  of which the wire alone, p50',
  'ms',
  p50(await requests.wiresAlone(names.slice(0, 2), 100)),
);
figures.report('latest of the first packets (v4 and v6), round trip', 'ms', Math.max(...packets), 50);
figures.report('close alone, p50', 'ms', p50(closes));
figures.report('close alone, p99', 'ms', p99(closes), 100);

// Many at once.
const atOnce = [];
for (let round = 0; round < (given.quick ? 2 : 5); round++) {
  const batch = await Promise.all(
    Array.from({ length: 80 }, (_, i) => requests.request(names[i % clients], `b-${i}`, 'server')),
  );
  atOnce.push(...batch.map(({ ms }) => ms));
  await Promise.all(batch.map(({ connection }) => requests.close(connection)));
}
figures.report('80 requests at once, p99', 'ms', p99(atOnce), 250);

// Closes beside requests, then a batch of closes.
const stock = [];
for (let i = 0; i < (given.quick ? 150 : 400); i++)
  stock.push((await requests.request(names[i % clients], `c-${i}`, 'server')).connection);
const beside = [];
const underway = [];
const closing = setInterval(() => {
  const next = stock.length > 100 ? stock.pop() : undefined;
  if (next) underway.push(requests.close(next));
}, 20);
while (stock.length > 100) {
  const { ms, connection } = await requests.request(names[0], 'nsm-1', 'server');
  beside.push(ms);
  await requests.close(connection);
}
clearInterval(closing);
await Promise.all(underway);
figures.report('request beside 50 closes/s, p99', 'ms', p99(beside));
const batchStart = performance.now();
await Promise.all(stock.splice(0).map((connection) => requests.close(connection)));
figures.report('each of 100 closes at once', 'ms', (performance.now() - batchStart) / 100, 1);

// What stands, and is asked for again every two minutes.
const kept = [];
const keep = async (i) => {
  const pod = names[i % clients];
  // Neighbours in the list of clients are at different servers, and each client is at many.
  const server = others[(i + Math.floor(i / clients)) % servers];
  kept.push({ pod, ...(await requests.request(pod, `k-${i}`, server)) });
};
const workers = Array.from({ length: 32 }, async (_, worker) => {
  for (let i = worker; i < standing; i += 32) await keep(i);
});
const upStart = performance.now();
await Promise.all(workers);
figures.report(`${standing} connections up`, 's', (performance.now() - upStart) / 1000);
await wait(2_000);
figures.report('resident memory of the agent', 'MiB', residentBytes(agent.pid).now / 2 ** 20, 200);
figures.report('open files of the agent', 'fds', openFiles(agent.pid));
const spent = cpuSeconds(agent.pid);
const since = performance.now();
let next = 0;
while (performance.now() - since < watchedMs) {
  const due = Math.floor(((performance.now() - since) / refreshMs) * standing);
  while (next < due) {
    const { pod, connection } = kept[next++ % standing];
    await requests.refresh(pod, connection);
  }
  await wait(10);
}
const share = ((cpuSeconds(agent.pid) - spent) / ((performance.now() - since) / 1000)) * 100;
figures.report('CPU of the agent, each asked for every 2 minutes', '% of a core', share, 10);

// An agent that dies and is started again.
requests.dispose();
await agent.stop('SIGKILL');
const restart = performance.now();
agent = await startAgent(instance, { args });
figures.report(`start with ${standing} connections to adopt`, 's', (performance.now() - restart) / 1000, 5);

for (const packets of first) packets.close();
await agent.stop('SIGKILL');
await echo.stop();
figures.keep({
  title: 'Requests',
  said: 'One run of `npm run bench -- control`: every request is a gRPC call on the workload socket, with the descriptor of its namespace, to an endpoint that the agent hosts. What these figures say is in [README.md](README.md).',
  json: given.json ?? null,
  page: given.save ? 'control' : null,
});
process.exit(0);
