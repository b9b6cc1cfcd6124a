// What somebody takes away from the interfaces of a wire that is in use, and what brings it back:
//
//   pod client                                         pod service
//   nsm-1  10.0.0.1/24  2001:db8::1/64    <----->      nsm-2  10.0.0.2/24  2001:db8::2/64
//            ^ an address, a route, a rule, a neighbour, up
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '../../../src/agent.ts';
import type { WireItem } from '../../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../../fds.ts';
import { eventually, Pods, run } from '../../pods.ts';
import { nothing } from '../inventory.ts';
import { Node } from '../node.ts';
import type { Ears } from './dump.ts';
import { addresses, dump, routes } from './dump.ts';
import { first, tellFirst } from './told.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
let made = 0;
let client: string;
let agent: Agent;
let wire: WireItem;
let ears: Ears;

const pings = (address: string): void => {
  expect(pods.exec(client, 'ping', '-n', '-c', '1', '-W', '3', address)).toContain('1 received');
};

beforeAll(async () => {
  agent = await node.start();
});
beforeEach(async () => {
  made += 1;
  ({ client, wire, ears } = await tellFirst(pods, agent, made));
  node.events.length = 0;
});
afterEach(async () => {
  ears.close();
  await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
  expect(node.inventory.held()).toEqual(nothing);
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

describe('restoring', () => {
  const restore = (): Promise<void> => agent.wires.restore({ id: wire.id });
  const ip = (...args: string[]): string => run('ip', '-n', client, ...args);
  const brought = (): string[] => node.events.map(({ type, detail }) => `${type}: ${detail}`);

  test('touches nothing where nothing is missing: not a notification, no file, no event', async () => {
    const before = dump(client);
    const file = (): number => statSync(join(node.inventory.stateDirectory, `${wire.id}.json`)).ino;
    const written = file();
    for (let i = 0; i < 3; i++) await restore();
    expect(await ears.heard()).toEqual([]);
    expect(dump(client)).toEqual(before);
    expect(file()).toBe(written);
    expect(node.events).toEqual([]);
  });

  test.each<[string, string[][], string, RegExp]>([
    ['an address', [['addr', 'del', '2001:db8::1/64', 'dev', 'nsm-1']], 'address 2001:db8::1/64', /2001:db8/],
    ['a route', [['route', 'del', '172.16.0.0/16']], 'route 172.16.0.0/16 via 10.0.0.2', /172\.16/],
    ['a neighbour', [['neigh', 'del', '10.0.0.2', 'dev', 'nsm-1']], 'neighbour 10.0.0.2 02:', /10\.0\.0\.2/],
    ['a rule', [['rule', 'del', 'ipproto', 'tcp', 'dport', '80']], 'rule ipproto 6 dport 80', /dport 80/],
  ])('brings back %s, and nothing else moves', async (_, taken, name, only) => {
    const before = dump(client);
    for (const args of taken) ip(...args);
    await ears.heard();
    await restore();
    expect(brought()).toEqual([expect.stringContaining(`updated: brought back: left: ${name}`)]);
    const heard = await ears.heard();
    expect(heard.filter((line) => !only.test(line))).toEqual([]);
    expect(heard.length).toBeGreaterThan(0);
    const { rules: _rules, ...rest } = dump(client);
    const { rules: had, ...was } = before;
    expect(rest).toEqual(was);
    expect(_rules).toHaveLength(had.length);
    await restore();
    expect(await ears.heard()).toEqual([]);
  });

  test('brings back all of it after a flush', async () => {
    const before = dump(client);
    for (const family of ['-4', '-6']) ip(family, 'addr', 'flush', 'dev', 'nsm-1', 'scope', 'global');
    ip('neigh', 'flush', 'nud', 'permanent', 'dev', 'nsm-1');
    await restore();
    const { addresses: now, neighbors: beside } = dump(client);
    expect(now).toEqual(before.addresses);
    expect(beside).toEqual(before.neighbors);
    expect(routes(client, 'main', 'nsm-1').map(({ dst }) => dst)).toEqual(
      expect.arrayContaining(['172.16.0.0/16', '2001:db8:1::/48']),
    );
    expect(routes(client, '2', 'nsm-1')).toEqual([expect.objectContaining({ dst: '172.17.0.0/16' })]);
    for (const address of ['10.0.0.2', '2001:db8::2']) pings(address);
  });

  test('brings up what was put down, with what went with that, and answers when packets pass', async () => {
    const before = dump(client);
    ip('link', 'set', 'nsm-1', 'down');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('down');
    });
    await restore();
    for (const address of ['10.0.0.2', '2001:db8::2']) pings(address);
    expect(node.wire(wire.id)?.state).toBe('open');
    const { routes: now, neighbors: beside } = dump(client);
    expect(now).toEqual(expect.arrayContaining(before.routes));
    expect(beside).toEqual(before.neighbors);
    expect(addresses(client, 'nsm-1').sort()).toEqual([...first.addresses].sort());
  });
});
