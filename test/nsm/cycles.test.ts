// Connections that come and go, at endpoints of the agent's own and of a process, closed by their clients or by people,
// with an agent that runs as users run it. 10,000 of them with VWIRE_N=10000: then its memory is looked at, too.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveEndpoint, type ServedEndpoint } from '../../src/endpoint/index.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually } from '../pods.ts';
import { SdkPlace } from '../sdk/place.ts';
import { pinnedIds } from '../wire/identity.ts';
import { Inventory, nothing } from '../wire/inventory.ts';
import { bpffs } from '../wire/node.ts';
import { random } from '../wire/random.ts';
import { repetitions } from '../wire/repeat.ts';
import { Asker } from './asker.ts';
import { nothingRemains, remains } from './remains.ts';

jest.setTimeout(1_800_000);
const place = new SdkPlace();
const inventory = new Inventory(bpffs, place.runDir, place.instance);
const clients = place.make('one', 'two', 'three', 'four');
const [server] = place.make('server');
/** So many take long enough to see what is kept of each. */
const soak = 5_000;
const snapshots = mkdtempSync(join(tmpdir(), 'vwire-heap-'));
let served: ServedEndpoint;
let asker: Asker;

beforeAll(async () => {
  const flags = `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${snapshots}`;
  const agent = await place.start({ env: { NODE_OPTIONS: flags } });
  await agent.client.endpoints.add({
    name: 'hosted',
    services: ['hosted'],
    labels: {},
    netns: `name:${server}`,
    pools: ['172.16.0.0/24', '2001:db8::/112'],
    routes: [{ prefix: '10.96.0.0/16', via: null }],
    mtu: null,
    payload: 'IP',
  });
  served = await serveEndpoint({
    service: 'served',
    agent: place.url,
    netns: place.netns(server),
    pools: ['172.17.0.0/24', '2001:db8:17::/64'],
  });
  asker = new Asker(place.url);
});
afterAll(async () => {
  asker.dispose();
  await served.close();
  await place.close();
  rmSync(snapshots, { recursive: true });
});
failOnLeakedFds();

const { seed, next } = random();

async function cycle(pod: string): Promise<void> {
  const connection = await asker.request(pod, next() < 0.5 ? 'hosted' : 'served', 'nsm-1');
  if (next() < 0.2) await asker.refresh(pod, connection);
  const id = connection.path?.pathSegments[1]?.id ?? '';
  if (next() < 0.2) await place.agent.client.connections.close(id);
  await asker.close(connection);
}

/** One after the other in every pod, and at the same time in all. */
const cycles = (count: number): Promise<unknown> =>
  Promise.all(
    clients.map(async (pod) => {
      for (let i = 0; i < count / clients.length; i++) await cycle(pod);
    }),
  );

const proc = (file: string): string => join('/proc', String(place.agent.pid), file);
const rssMib = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(proc('status'), 'utf8'))?.[1]) / 1024;

/** What the agent has open, by kind. */
function fds(): string[] {
  return readdirSync(proc('fd'))
    .map((fd) => {
      try {
        return readlinkSync(proc(`fd/${fd}`)).replace(/:\[\d+\]$/, '');
      } catch {
        return 'closed since';
      }
    })
    .sort();
}

/** What there is more of than before: some of that was still to be closed. */
function more(now: readonly string[], before: readonly string[]): string[] {
  const left = [...before];
  return now.filter((each) => {
    const at = left.indexOf(each);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** What is alive in the agent: a snapshot of the heap begins with collecting what is not, and says how much it has. */
async function liveObjects(): Promise<number> {
  const before = new Set(readdirSync(snapshots));
  process.kill(place.agent.pid, 'SIGUSR2');
  return eventually(() => {
    const name = readdirSync(snapshots).find((file) => !before.has(file));
    const text = name === undefined ? '' : readFileSync(join(snapshots, name), 'latin1');
    const [, count] = /"node_count":(\d+)/.exec(text) ?? [];
    if (count === undefined || !text.trimEnd().endsWith('}')) throw new Error('There is no snapshot yet');
    return Number(count);
  }, 60_000);
}

test('connections that come and go leave everything as it was', async () => {
  const count = repetitions(200);
  await cycles(40);
  const before = { fds: fds(), pinned: pinnedIds(inventory) };
  const alive: number[] = [];
  const rss: number[] = [];
  for (let part = 0; part < 20; part++) {
    await cycles(count / 20);
    rss.push(rssMib());
    if (count >= soak && (part === 4 || part === 19)) alive.push(await liveObjects());
  }
  expect(
    remains({ inventory, runDir: place.runDir, instance: place.instance }, [...clients, server]),
  ).toEqual(nothingRemains);
  expect(inventory.held()).toEqual(nothing);
  expect(pinnedIds(inventory)).toEqual(before.pinned);
  const { client } = place.agent;
  expect([await client.connections.list(), await client.list()]).toEqual([[], []]);
  expect(served.connections).toEqual([]);
  expect(served.pools.map(({ used }) => used)).toEqual([0, 0]);
  const [hosted] = await client.endpoints.list();
  expect(hosted?.pools.map(({ used }) => used)).toEqual([0, 0]);
  await eventually(() => {
    expect(more(fds(), before.fds)).toEqual([]);
  }, 20_000);
  expect(place.agent.log).toBe('');
  const [early, late] = alive;
  if (early === undefined || late === undefined) return;
  console.log(
    `VWIRE_SEED=${seed}, ${count} connections: ${early} objects after a quarter, ${late} in the end;`,
    `RSS in MiB ${rss.map((mib) => mib.toFixed()).join(' ')}`,
  );
  // Code that is compiled meanwhile is one a connection at most; what is kept of a connection is a dozen and more.
  expect(late - early).toBeLessThan(2 * count);
});
