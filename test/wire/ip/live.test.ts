// What a side is told anew while its wire is in use:
//
//   pod client                                         pod service
//   nsm-1  10.0.0.1/24  2001:db8::1/64    <----->      nsm-2  10.0.0.2/24  2001:db8::2/64
//            ^ addresses, routes, neighbours, policies: only what differs is touched
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '../../../src/agent.ts';
import type { IpSpec, WireItem } from '../../../src/features/wire/api.ts';
import type { WireRecord } from '../../../src/state/wire-record.ts';
import { failOnLeakedFds } from '../../fds.ts';
import { Pods, run } from '../../pods.ts';
import { failureOf } from '../failure.ts';
import { link, nothing } from '../inventory.ts';
import { change, Node } from '../node.ts';
import type { Ears } from './dump.ts';
import { addresses, dump, neighbors, routes, rules, wayOf } from './dump.ts';
import { first, policy, tellFirst } from './told.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
let made = 0;
let client: string;
let service: string;
let agent: Agent;
let wire: WireItem;
let ears: Ears;

const tell = (left: IpSpec): Promise<WireItem> => agent.wires.update({ id: wire.id }, change({ left }));
const told = (more: Partial<IpSpec>): Promise<WireItem> => tell({ ...first, ...more });
const record = (): WireRecord =>
  JSON.parse(readFileSync(join(node.inventory.stateDirectory, `${wire.id}.json`), 'utf8')) as WireRecord;
const pings = (address: string): void => {
  expect(pods.exec(client, 'ping', '-n', '-c', '1', '-W', '3', address)).toContain('1 received');
};

beforeAll(async () => {
  agent = await node.start();
});
beforeEach(async () => {
  made += 1;
  ({ client, service, wire, ears } = await tellFirst(pods, agent, made));
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

describe('telling a side what it knows', () => {
  test('touches nothing: not a notification, no file, no event', async () => {
    const before = dump(client);
    const file = (): number => statSync(join(node.inventory.stateDirectory, `${wire.id}.json`)).ino;
    const written = file();
    await agent.wires.update({ id: wire.id }, change({ left: first, mtu: 1500, datapath: 'auto' }));
    await tell(first);
    expect(await ears.heard()).toEqual([]);
    expect(dump(client)).toEqual(before);
    // Whoever writes the file replaces it by another one.
    expect(file()).toBe(written);
    expect(node.events).toEqual([]);
  });

  test('brings back what somebody took away, and leaves the rest', async () => {
    const before = dump(client);
    const ip = (...args: string[]): string => run('ip', '-n', client, ...args);
    ip('addr', 'del', '2001:db8::1/64', 'dev', 'nsm-1');
    ip('route', 'del', '172.16.0.0/16');
    ip('neigh', 'replace', '10.0.0.2', 'lladdr', '02:00:00:00:00:03', 'dev', 'nsm-1', 'nud', 'stale');
    ip('rule', 'del', 'ipproto', 'tcp', 'dport', '80');
    ip('route', 'flush', 'table', '2');
    await told({});
    const after = dump(client);
    expect(after.addresses).toEqual(before.addresses);
    expect(after.neighbors).toEqual(before.neighbors);
    expect(rules(client, 4).map(({ dport, table }) => [dport, table])).toEqual([
      [80, '1'],
      [81, '2'],
    ]);
    expect(routes(client, '2', 'nsm-1')).toEqual([expect.objectContaining({ dst: '172.17.0.0/16' })]);
    expect(routes(client, 'main', 'nsm-1')).toContainEqual(expect.objectContaining({ dst: '172.16.0.0/16' }));
    expect(node.events.map(({ type, detail }) => `${type}: ${detail}`)).toEqual([
      'updated: left: 4 added, 1 replaced',
    ]);
  });
});

describe('telling a side something new', () => {
  test('touches only what differs', async () => {
    await told({
      addresses: [...first.addresses, '10.0.5.1/24', '2001:db8:5::1/64'],
      routes: [...first.routes, { prefix: '172.18.0.0/16', via: '10.0.0.2' }],
      neighbors: [...first.neighbors, { address: '10.0.5.2', mac: '02:00:00:00:00:05' }],
      policies: [...first.policies, policy('82')],
    });
    const heard = (await ears.heard()).join('\n');
    expect(heard).not.toMatch(/Deleted|10\.0\.0\.1|172\.16|172\.17|dport 80|dport 81/);
    for (const news of ['10.0.5.1/24', '2001:db8:5::1/64', '172.18.0.0/16', '10.0.5.2', 'dport 82'])
      expect(heard).toContain(news);
    expect(wayOf(client, '203.0.113.1', 'ipproto', 'tcp', 'dport', '82')).toMatchObject({ table: '3' });
    expect(node.wire(wire.id)?.left.addresses).toHaveLength(4);
  });

  test('has it usable at once', async () => {
    await agent.wires.update(
      { id: wire.id },
      change({
        left: { ...first, addresses: [...first.addresses, '2001:db8:5::1/64', '10.0.5.1/24'] },
        right: {
          ...{ routes: [], neighbors: [], policies: [] },
          addresses: ['10.0.0.2/24', '2001:db8::2/64', '2001:db8:5::2/64', '10.0.5.2/24'],
        },
      }),
    );
    for (const address of ['2001:db8:5::2', '10.0.5.2', '10.0.0.2', '2001:db8::2']) pings(address);
  });

  test('takes away what is not wanted any more, and nothing else', async () => {
    await told({ addresses: ['10.0.0.1/24'], routes: first.routes.slice(0, 1), neighbors: [], policies: [] });
    expect(addresses(client, 'nsm-1')).toEqual(['10.0.0.1/24']);
    expect(neighbors(client, 'nsm-1')).toEqual([]);
    expect([...rules(client, 4), ...rules(client, 6)]).toEqual([]);
    for (const table of ['1', '2']) expect(routes(client, table, 'nsm-1')).toEqual([]);
    expect(wayOf(client, '172.16.0.1')).toMatchObject({ dev: 'nsm-1', gateway: '10.0.0.2' });
    expect((await ears.heard()).join('\n')).not.toMatch(/10\.0\.0\.1\/24|172\.16|eth0/);
    pings('10.0.0.2');
  });

  test('takes an address in the place of the first of its subnet, and no other goes with that', async () => {
    await told({ addresses: ['10.0.0.3/24', '10.0.0.4/24', '2001:db8::1/64'] });
    expect(addresses(client, 'nsm-1')).toEqual(['10.0.0.3/24', '10.0.0.4/24', '2001:db8::1/64']);
    expect(wayOf(client, '172.16.0.1')).toMatchObject({ dev: 'nsm-1', gateway: '10.0.0.2' });
    pings('10.0.0.2');
  });

  test('keeps its routes though its last IPv4 address goes', async () => {
    await told({ addresses: ['2001:db8::1/64'] });
    expect(addresses(client, 'nsm-1')).toEqual(['2001:db8::1/64']);
    expect(wayOf(client, '172.16.0.1')).toMatchObject({ dev: 'nsm-1', gateway: '10.0.0.2' });
    expect(routes(client, '2', 'nsm-1')).toHaveLength(1);
  });

  test('keeps a route to its own subnet when the address goes that made the kernel have it', async () => {
    const subnet = [...first.routes, { prefix: '10.0.0.0/24', via: null }];
    await told({ routes: subnet });
    expect(await ears.heard()).toEqual([]);
    await told({ routes: subnet, addresses: ['10.0.9.1/32', '2001:db8::1/64'] });
    expect(wayOf(client, '10.0.0.2')).toMatchObject({ dev: 'nsm-1' });
  });

  test('takes another gateway for a prefix and another MAC for a neighbour without a gap', async () => {
    await told({
      routes: [{ prefix: '172.16.0.0/16', via: '10.0.0.7' }, ...first.routes.slice(1)],
      neighbors: [{ address: '10.0.0.2', mac: '02:00:00:00:00:22' }],
    });
    expect(wayOf(client, '172.16.0.1')).toMatchObject({ gateway: '10.0.0.7' });
    expect(neighbors(client, 'nsm-1')).toEqual([expect.objectContaining({ lladdr: '02:00:00:00:00:22' })]);
    expect((await ears.heard()).join('\n')).not.toContain('Deleted');
    await told({});
    expect(wayOf(client, '172.16.0.1')).toMatchObject({ gateway: '10.0.0.2' });
  });

  test('a policy keeps its table while its routes change, and a new one takes a free one', async () => {
    const second = policy('81', { routes: [{ prefix: '172.19.0.0/16', via: '10.0.0.2' }] });
    await told({ policies: [policy('83'), second] });
    expect(rules(client, 4).map(({ dport, table }) => [dport, table])).toEqual([
      [83, '3'],
      [81, '2'],
    ]);
    expect(routes(client, '2', 'nsm-1')).toEqual([expect.objectContaining({ dst: '172.19.0.0/16' })]);
    await told({ policies: [policy('84'), second] });
    expect(rules(client, 4).map(({ dport, table }) => [dport, table])).toEqual([
      [84, '1'],
      [81, '2'],
    ]);
  });

  test('leaves alone what somebody else put at the interface', async () => {
    const ip = (...args: string[]): string => run('ip', '-n', client, ...args);
    ip('addr', 'add', '10.0.7.1/24', 'dev', 'nsm-1');
    ip('route', 'add', '172.20.0.0/16', 'dev', 'nsm-1');
    ip('neigh', 'add', '10.0.7.2', 'lladdr', '02:00:00:00:00:07', 'dev', 'nsm-1');
    await tell({ addresses: ['10.0.0.1/24'], routes: [], neighbors: [], policies: [] });
    expect(addresses(client, 'nsm-1')).toEqual(['10.0.0.1/24', '10.0.7.1/24']);
    expect(routes(client, 'main', 'nsm-1')).toContainEqual(expect.objectContaining({ dst: '172.20.0.0/16' }));
    expect(neighbors(client, 'nsm-1').map(({ dst }) => dst)).toEqual(['10.0.7.2']);
  });

  test('together with another MTU, also across what IPv6 needs', async () => {
    const v4: IpSpec = { addresses: ['10.0.0.1/24'], routes: [], neighbors: [], policies: [] };
    const right: IpSpec = { ...v4, addresses: ['10.0.0.2/24'] };
    await agent.wires.update({ id: wire.id }, change({ left: v4, right, mtu: 1000 }));
    expect(link(client, 'nsm-1').mtu).toBe(1000);
    const both: IpSpec = { ...right, addresses: ['10.0.0.2/24', '2001:db8::2/64'] };
    await agent.wires.update({ id: wire.id }, change({ left: first, right: both, mtu: 1400 }));
    expect(link(client, 'nsm-1').mtu).toBe(1400);
    expect(addresses(client, 'nsm-1')).toEqual(['10.0.0.1/24', '2001:db8::1/64']);
    for (const address of ['10.0.0.2', '2001:db8::2']) pings(address);
  });
});

describe('a change that is refused', () => {
  test.each<[string, Partial<IpSpec>, string]>([
    [
      'by a route that another interface has',
      {
        routes: [
          { prefix: '172.30.0.0/16', via: null },
          { prefix: '0.0.0.0/0', via: '10.0.0.2' },
        ],
      },
      "left.routes[1].prefix is '0.0.0.0/0': interface 'eth0' has a default route already",
    ],
    [
      'by an address the kernel takes not',
      { addresses: ['10.0.6.1/24', '::/128'] },
      "left.addresses[1] is '::/128': the kernel refuses it: Add address '::/128' failed: EADDRNOTAVAIL",
    ],
    [
      'by a gateway that cannot be',
      { policies: [policy('99', { routes: [{ prefix: '10.9.0.0/16', via: '10.0.0.1' }] })] },
      "left.policies[0].routes[0].prefix is '10.9.0.0/16': the kernel refuses it",
    ],
    [
      'by what it says',
      { addresses: ['10.0.6.1/24'], neighbors: [{ address: '10.0.6.2', mac: 'x' }] },
      "left.neighbors[0].mac is 'x'",
    ],
  ])('%s is taken back whole', async (_, more, message) => {
    const before = dump(client);
    const file = record();
    const failure = await failureOf(told(more));
    expect(failure.message).toContain(message);
    expect(dump(client)).toEqual(before);
    expect(record()).toEqual(file);
    expect(node.wire(wire.id)).toMatchObject({ state: 'open', left: { addresses: first.addresses } });
    pings('10.0.0.2');
  });

  test('on the right is taken back on the left, too', async () => {
    const before = [dump(client), dump(service)];
    const right = { ...first, addresses: ['::/128'], routes: [], neighbors: [], policies: [] };
    const left = { ...first, addresses: ['10.0.6.1/24'] };
    const asked = agent.wires.update({ id: wire.id }, change({ left, right, mtu: 1400 }));
    expect((await failureOf(asked)).field).toBe('right.addresses[0]');
    expect([dump(client), dump(service)]).toEqual(before);
  });
});
