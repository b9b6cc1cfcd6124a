// A side is in the namespace that is meant, however it is named:
//
//   name:a  -->  namespace dev:inode  <--  identity
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { closeSync, openSync, statSync } from 'node:fs';
import type { Agent } from '../../../src/agent.ts';
import type { IpSpec } from '../../../src/features/wire/api.ts';
import { locateNetns } from '../../../src/net/locate.ts';
import { failOnLeakedFds } from '../../fds.ts';
import { eventually, Pods, run } from '../../pods.ts';
import { failureOf } from '../failure.ts';
import { links, nothing } from '../inventory.ts';
import { change, end, Node, wireSpec } from '../node.ts';
import { addresses } from './dump.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
let agent: Agent;

beforeAll(async () => {
  agent = await node.start();
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

const identity = (name: string): { dev: number; inode: number } => {
  const { dev, ino } = statSync(`/run/netns/${name}`);
  return { dev, inode: ino };
};

test('a name that leads to the namespace that is meant is taken', async () => {
  const { id } = await agent.wires.add(
    wireSpec({ ...end(a), identity: identity(a) }, { ...end(b), identity: identity(b) }),
  );
  expect(links(b).map((l) => l.ifname)).toEqual(['lo', 'vwire0']);
  await agent.wires.remove({ id });
});

test('a name that leads to another one is refused, and says to which', async () => {
  const meant = identity(a);
  const there = identity(b);
  const failure = await failureOf(agent.wires.add(wireSpec(end(a), { ...end(b), identity: meant })));
  expect(failure).toMatchObject({
    code: 'refused',
    field: 'right.netns',
    value: `name:${b}`,
    message: `right.netns is 'name:${b}', which leads to namespace ${there.dev}:${there.inode} where ${meant.dev}:${meant.inode} is meant`,
    allowed: `what leads to the namespace with device and inode ${meant.dev}:${meant.inode}`,
  });
  expect(node.inventory.held()).toEqual(nothing);
});

describe('a namespace whose name leads there no longer', () => {
  const open = async (netns: string): Promise<number> => {
    const side = { ...end(b, '10.0.0.2/24'), netns, identity: identity(b) };
    const { id } = await agent.wires.add(wireSpec(end(a, '10.0.0.1/24'), side));
    return id;
  };
  const told = (address: string): IpSpec => ({
    addresses: [address],
    routes: [],
    neighbors: [],
    policies: [],
  });

  test('because the descriptor is closed is found by its name', async () => {
    const fd = openSync(`/run/netns/${b}`, 'r');
    const id = await open(`path:/proc/${process.pid}/fd/${fd}`);
    closeSync(fd);
    await agent.wires.update({ id }, change({ right: told('10.0.0.3/24') }));
    expect(addresses(b, 'vwire0')).toEqual(['10.0.0.3/24']);
    agent = await node.restart();
    expect(node.wire(id)).toMatchObject({ state: 'open' });
    await agent.wires.remove({ id });
    expect(links(b).map((l) => l.ifname)).toEqual(['lo']);
  });

  test('because its process ended and its name was removed is found by who lives there still', async () => {
    const c = pods.make('c');
    const whose = identity(c);
    const [first, second] = [pods.spawn(c, 'sleep', '600'), pods.spawn(c, 'sleep', '600')];
    await eventually(() => {
      for (const { pid } of [first, second])
        expect(statSync(`/proc/${pid ?? 0}/ns/net`).ino).toBe(whose.inode);
    });
    const policies = [{ from: null, ipProto: '6', sport: null, dport: '80', routes: [] }];
    const side = { ...end(c, '10.0.0.2/24'), netns: `pid:${first.pid ?? 0}`, identity: whose, policies };
    const { id } = await agent.wires.add(wireSpec(end(a, '10.0.0.1/24'), side));
    first.kill('SIGKILL');
    await eventually(() => {
      expect(first.signalCode).toBe('SIGKILL');
    });
    expect(locateNetns(whose)).toEqual({ kind: 'name', name: c });
    run('umount', `/run/netns/${c}`);
    expect(locateNetns(whose)).toEqual({ kind: 'pid', pid: second.pid });
    const inside = (...args: string[]): string =>
      run('nsenter', `--net=/proc/${second.pid ?? 0}/ns/net`, ...args);
    await agent.wires.update({ id }, change({ right: { ...told('10.0.0.3/24'), policies } }));
    expect(inside('ip', '-4', '-br', 'addr', 'show', 'vwire0')).toContain('10.0.0.3/24');
    expect(inside('ip', 'rule')).toContain('dport 80');
    await agent.wires.remove({ id });
    expect(inside('ip', 'rule')).not.toContain('dport 80');
    second.kill('SIGKILL');
    await eventually(() => {
      expect(locateNetns(whose)).toBeNull();
    });
  });
});
