// Several who want one thing, and things that vanish while they are wanted:
//
//   add ---\        agent's namespace
//   add ----> [ plan | create | join | up ] ---- pod a, pod b, and pods that end in between
//   add ---/
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import { failOnLeakedFds, openedSince, openFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { failureOf } from './failure.ts';
import { links, nothing } from './inventory.ts';
import { change, end, Node, wireSpec } from './node.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
let agent: Agent;
let fds: Map<string, string>;

beforeAll(async () => {
  agent = await node.start({ maxWires: 12 });
  fds = openFds();
});

afterEach(async () => {
  await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
  expect(node.inventory.held()).toEqual(nothing);
  expect(openedSince(fds)).toEqual([]);
});

afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

const spec = wireSpec(end(a), end(b));
const named = (name: string) => wireSpec({ ...end(a), name }, end(b));

describe('of those who ask at once', () => {
  test('for one interface name one gets it and the others are told who has it', async () => {
    const asked = await Promise.allSettled([1, 2, 3].map(() => agent.wires.add(named('eth7'))));
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(asked[1]).toMatchObject({
      reason: {
        code: 'refused',
        field: 'left.name',
        value: 'eth7',
        allowed: 'a name that is free in the namespace',
      },
    });
    expect(links(a).map((l) => l.ifname)).toEqual(['lo', 'eth7']);
    expect(links(b).map((l) => l.ifname)).toEqual(['lo', 'vwire0']);
  });

  test('for one connection name one gets it', async () => {
    const first = agent.wires.add({ ...spec, connection: 'one' });
    const second = await failureOf(agent.wires.add({ ...spec, connection: 'one' }));
    expect(second).toMatchObject({ code: 'refused', field: 'connection', value: 'one' });
    expect(second.message).toBe(`connection is 'one': wire ${(await first).id} has that name`);
  });

  test('for any name everybody gets one of his own', async () => {
    const wires = await Promise.all(Array.from({ length: 8 }, () => agent.wires.add(spec)));
    const names = Array.from({ length: 8 }, (_, i) => `vwire${i}`);
    expect(wires.map(({ left }) => left.name).sort()).toEqual(names);
    expect(wires.map(({ right }) => right.name).sort()).toEqual(names);
    expect(new Set(wires.map(({ id }) => id)).size).toBe(8);
  });

  test('for more wires than the agent takes the last are refused', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 14 }, () => agent.wires.add(spec)));
    const refused = asked.flatMap((a) => (a.status === 'rejected' ? [a.reason as unknown] : []));
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatchObject({
      code: 'refused',
      field: 'wires',
      value: '12',
      allowed: '12, set by --max-wires',
      message: 'There are 12 wires: this agent takes 12',
    });
  });

  test('to remove one wire, one removes it and both hear that it is gone', async () => {
    const { id } = await agent.wires.add(spec);
    const asked = await Promise.allSettled([agent.wires.remove({ id }), agent.wires.remove({ id })]);
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    expect(await failureOf(agent.wires.remove({ id }))).toMatchObject({
      code: 'not_found',
      field: 'wire',
      value: String(id),
      message: `There is no wire ${id}`,
    });
  });

  test('to change and to remove it, the removal has the last word', async () => {
    const { id } = await agent.wires.add(spec);
    const asked = await Promise.allSettled([
      agent.wires.update({ id }, change({ mtu: 1400 })),
      agent.wires.remove({ id }),
      agent.wires.update({ id }, change({ mtu: 1300, datapath: 'clsact' })),
    ]);
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(asked[2]).toMatchObject({ reason: { name: 'Failure', code: 'not_found' } });
  });

  test("a name that looks like another wire's default does not get into its way", async () => {
    const { id } = await agent.wires.add(spec);
    await agent.wires.add({ ...spec, connection: `wire-${id + 2}` });
    const next = await agent.wires.add(spec);
    expect(next.connection).toBe(`wire-${next.id}`);
  });
});

describe('what vanishes while a wire is made', () => {
  test('is a namespace without a name: the wire goes with it', async () => {
    const doomed = pods.make('doomed');
    const asked = agent.wires.add(wireSpec(end(a), end(doomed))).catch((error: unknown) => error);
    pods.remove(doomed);
    await asked;
    await eventually(() => {
      expect(agent.wires.list()).toEqual([]);
      expect(node.inventory.held()).toEqual(nothing);
    });
    expect(links(a).map((l) => l.ifname)).toEqual(['lo']);
  });

  test('is a process, the last of its namespace', async () => {
    const process = pods.spawn(pods.make('host'), 'unshare', '--net', 'sleep', '60');
    const pid = String(process.pid);
    await eventually(() => {
      expect(run('readlink', `/proc/${pid}/ns/net`)).not.toBe(run('readlink', '/proc/self/ns/net'));
      expect(run('cat', `/proc/${pid}/comm`).trim()).toBe('sleep');
    });
    const asked = agent.wires.add(wireSpec(end(a), { ...end(''), netns: `pid:${pid}` }));
    asked.catch(() => undefined);
    process.kill('SIGKILL');
    await asked.catch(() => undefined);
    await eventually(() => {
      expect(agent.wires.list()).toEqual([]);
      expect(node.inventory.held()).toEqual(nothing);
    });
    expect(links(a).map((l) => l.ifname)).toEqual(['lo']);
  });

  test('is an interface, deleted as soon as it is seen: the wire is made again', async () => {
    const asked = agent.wires.add(named('flash0'));
    await eventually(() => run('ip', '-n', a, 'link', 'del', 'flash0'));
    await asked.catch(() => undefined);
    await eventually(() => {
      const [wire] = agent.wires.list();
      if (wire) expect(wire.state).toBe('open');
      else expect(node.inventory.held()).toEqual(nothing);
    });
  });
});
