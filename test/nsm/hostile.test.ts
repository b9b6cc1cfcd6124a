// One pod wants the agent to serve nobody else; another asks as always. The agent stays as large as it was, and when
// the hostile one ends nothing is left of it.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { eventually, run } from '../pods.ts';
import { failOnLeakedFds } from '../fds.ts';
import { devicesOf, SdkPlace, untilAsync } from '../sdk/place.ts';
import { repetitions } from '../wire/repeat.ts';
import { Asker } from './asker.ts';
import { gatewayIn } from './gateway.ts';

jest.setTimeout(120_000);
const place = new SdkPlace();
const [server, good] = place.make('server', 'good');
beforeAll(async () => {
  const agent = await place.start();
  await agent.client.endpoints.add(
    gatewayIn(server, { pools: ['172.16.0.0/16'], routes: [], payload: 'IP' }),
  );
});
afterAll(() => place.close());
failOnLeakedFds();

/** Of the agent, now. */
const fds = (): number => readdirSync(`/proc/${place.agent.pid}/fd`).length;
const rssMib = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${place.agent.pid}/status`, 'utf8'))?.[1]) / 1024;

/** Connections of one origin and what it may pass, and some that come and go. */
const moreFds = 64 + 512 + 64;
/** What the calls and streams of one caller may hold, and what of it is not collected yet. */
const moreMib = 128;

/** What it does at once, and how often at least while the other one is served. */
const deeds: readonly (readonly [readonly string[], Readonly<Record<string, number>>])[] = [
  [['connections', 'garbage'], { connected: 5_000 }],
  [['streams'], { 'streams of /networkservice.NetworkService/Request': 3_000 }],
  [
    ['monitors', 'changes'],
    { 'streams of /connection.MonitorConnection/MonitorConnections': 600, changes: repetitions(100) },
  ],
  [['labels', 'large', 'unknown'], { 'labels invalid': 20, 'large exhausted': 20, 'unknown not_found': 20 }],
  [['descriptors'], { passed: 10_000 }],
  [['connections', 'garbage', 'streams', 'monitors', 'labels', 'large', 'descriptors'], { connected: 2_000 }],
];

test.each(deeds.map(([each, least]) => [each.join(', '), each, least] as const))(
  '%s',
  async (_what, each, least) => {
    const [bad] = place.make('bad');
    // Into a pod the socket's folder alone is mounted.
    const mounted = `/run/workload-${bad}`;
    mkdirSync(mounted);
    run('mount', '--bind', `${place.runDir}/${place.instance}/workload`, mounted);
    const asker = new Asker(place.url);
    const serve = async (): Promise<void> => {
      const connection = await asker.request(good, 'web', 'nsm-1', {}, { deadline: Date.now() + 60_000 });
      await asker.close(connection);
    };
    await serve();
    const before = { fds: fds(), mib: rssMib() };

    const env = { NSM_CONNECT_TO: `unix://${mounted}/agent.sock` };
    const hostile = place.programOf(65534, bad, 'test/nsm/hostile.mjs', env, ...each);
    const most = { fds: 0, mib: 0 };
    const done = (): Record<string, number> =>
      JSON.parse(hostile.said.split('\n').at(-2) ?? '{}') as Record<string, number>;
    const enough = (): boolean =>
      Object.entries(least).every(([what, times]) => (done()[what] ?? 0) >= times);
    const end = performance.now() + 100_000;
    for (let served = 0; served < 10 || !enough(); served++) {
      if (performance.now() > end) throw new Error(`It has done no more than ${JSON.stringify(done())}`);
      await serve();
      most.fds = Math.max(most.fds, fds());
      most.mib = Math.max(most.mib, rssMib());
    }
    if (process.env.VWIRE_N !== undefined) console.log(JSON.stringify({ before, most, done: done() }));
    expect(most.fds).toBeLessThanOrEqual(before.fds + moreFds);
    expect(most.mib).toBeLessThanOrEqual(before.mib + moreMib);
    hostile.signal('SIGKILL');
    await hostile.ended;
    run('umount', mounted);
    place.pods.remove(bad);
    await eventually(() => {
      expect(fds()).toBeLessThanOrEqual(before.fds);
      expect(devicesOf(server)).toEqual(['lo']);
    }, 20_000);
    // A connection goes after its wire, which goes with the pod.
    await untilAsync(async () => (await place.agent.client.connections.list()).length === 0);
    await serve();
    asker.dispose();
  },
);
