// An agent that dies anywhere in a request, a refresh, a change or a close: the next one makes whole what was answered
// and takes away what was not, and the caller, who asks again, cannot tell.
//
// All of it takes minutes: a part is drawn where VWIRE_N does not say how many, and VWIRE_SEED draws the same again.
import { afterAll, afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { Connection } from '../../src/api/nsm/proto/connection_pb.ts';
import { failOnLeakedFds } from '../fds.ts';
import { Pods, run } from '../pods.ts';
import { AgentProcess } from '../wire/agent-process.ts';
import { Node } from '../wire/node.ts';
import { random } from '../wire/random.ts';
import { repetitions } from '../wire/repeat.ts';
import { Asker } from './asker.ts';
import { gatewayIn } from './gateway.ts';
import { chainPoints, closePoints, filePoints, isAnswered, openingPoints, releasePoints } from './points.ts';
import { known, nothingRemains, remains } from './remains.ts';

jest.setTimeout(60_000);

const pods = new Pods();
const node = new Node();
const [client, server] = [pods.make('client'), pods.make('server')];
const made = [client, server];
const asker = new Asker(`unix://${node.runDir}/${node.instance}/workload/agent.sock`);
let victim: AgentProcess | null = null;
let agent: Agent | null = null;

afterEach(async () => {
  await victim?.kill();
  victim = null;
  expect(remains(node, made)).toEqual(nothingRemains);
  if (agent) expect(known(agent)).toEqual({ connections: [], wires: [], addresses: [0, 0] });
  await node.stop();
  agent = null;
});
afterAll(async () => {
  asker.dispose();
  await node.close();
  pods.close();
});
failOnLeakedFds();

const request = (): Promise<Connection> =>
  asker.request(client, 'web', 'nsm-1', { id: 'c', path: { pathSegments: [{ name: 'asker', id: 'c' }] } });

const routes = (n: number) => [{ prefix: `10.97.${n}.0/24`, via: null }];

/** An agent that is to die, with the endpoint that all of this is about. */
async function start(fault: string): Promise<AgentProcess> {
  const agent = await AgentProcess.start(node, { fault });
  if ((await agent.client.endpoints.list()).length === 0)
    await agent.client.endpoints.add(gatewayIn(server, { routes: routes(0) }));
  else await agent.client.endpoints.update('gateway', { pools: null, mtu: null, routes: routes(0) });
  return agent;
}

interface Deed {
  readonly points: readonly string[];
  /** How often what stood before has passed them. */
  readonly passed: number;
  /** Does it, and so far that the agent dies. */
  readonly act: (victim: AgentProcess) => Promise<unknown>;
}

const deeds: Readonly<Record<string, Deed>> = {
  request: { points: [...chainPoints, ...filePoints, ...openingPoints], passed: 0, act: request },
  refresh: {
    points: [...chainPoints, 'write connection open'],
    passed: 1,
    act: async () => asker.refresh(client, await request()),
  },
  change: {
    points: [...chainPoints, 'write connection open', 'ip added', 'ip removed'],
    passed: 1,
    act: async ({ client: admin }) => {
      await request();
      await admin.endpoints.update('gateway', { pools: null, mtu: null, routes: routes(1) });
    },
  },
  close: {
    points: [...closePoints, ...releasePoints],
    passed: 0,
    act: async () => asker.close(await request()),
  },
};

const all = Object.entries(deeds).flatMap(([deed, { points }]) =>
  points.map((point): [string, string] => [deed, point]),
);
const { seed, next } = random();
const drawn = all
  .map((each) => ({ each, at: next() }))
  .sort((a, b) => a.at - b.at)
  .slice(0, repetitions(8))
  .map(({ each }) => each);
if (drawn.length < all.length) console.log(`VWIRE_SEED=${seed} draws ${drawn.length} of ${all.length}`);

describe('an agent that is killed', () => {
  test.each(drawn)("in a %s at '%s' is taken over without a trace", async (name, point) => {
    const deed = deeds[name];
    if (!deed) throw new Error(`There is no ${name}`);
    // A wire that is made adds no IP one by one: only a change does.
    const nth = point.startsWith('ip ') ? 1 : deed.passed + 1;
    victim = await start(`${point}:kill:${nth}`);
    await expect(deed.act(victim)).rejects.toMatchObject({ name: 'Unreachable' });
    expect(await victim.end()).toBe('SIGKILL');

    agent = await node.start();
    const [stands = null] = agent.connections?.list() ?? [];
    const whole = name === 'refresh' || name === 'change' || (name === 'request' && isAnswered(point));
    if (whole) expect(stands).toMatchObject({ state: 'up', service: 'web' });
    if (stands) expect(stands.state).toBe('up');
    expect(agent.wires.list().map(({ connection }) => connection)).toEqual(stands ? [stands.id] : []);
    if (!stands) expect(remains(node, made)).toEqual(nothingRemains);

    const connection = await request();
    if (stands) expect(connection.path?.pathSegments[1]?.id).toBe(stands.id);
    expect(agent.wires.list()).toHaveLength(1);
    pods.exec(client, 'ping', '-n', '-c', '1', '-W', '3', '172.16.1.0');
    const [wanted] = agent.endpoints?.list() ?? [];
    expect(wanted?.connections).toBe(1);
    expect(run('ip', '-n', client, 'route')).toContain('10.97.');
    await asker.close(connection);
  });
});
