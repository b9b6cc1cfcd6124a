// Packets that a policy is about take the interface, all others go where they went before:
//
//   pod client                  rules                       tables
//   nsm-1  172.16.2.201/24      tcp dport 6666  from ..  -> 1  default via 172.16.2.200
//          2004::3/120          tcp sport 5555           -> 2  172.16.0.0/16
//   eth0   192.0.2.10/24        ...                         ...
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../../src/agent.ts';
import type { PolicySpec, SideSpec, WireSpec } from '../../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../../fds.ts';
import { eventually, Pods, run } from '../../pods.ts';
import { failureOf } from '../failure.ts';
import { nothing } from '../inventory.ts';
import { end, Node, wireSpec } from '../node.ts';
import { dump, routes, rules, wayOf, type Dump } from './dump.ts';
import { podWithEth0 } from './pod.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
let made = 0;
let client: string;
let service: string;
let agent: Agent;
let before: Dump;

beforeAll(async () => {
  agent = await node.start();
});
beforeEach(() => {
  made += 1;
  client = podWithEth0(pods, `client${made}`);
  service = pods.make(`service${made}`);
  before = dump(client);
});
afterEach(async () => {
  await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
  expect(node.inventory.held()).toEqual(nothing);
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

const policy = (more: Partial<PolicySpec>): PolicySpec => ({
  from: null,
  ipProto: null,
  sport: null,
  dport: null,
  routes: [],
  ...more,
});

/** NSM's example of policy based routing. */
const five: readonly PolicySpec[] = [
  policy({
    from: '172.16.2.201/32',
    ipProto: '6',
    dport: '6666',
    routes: [{ prefix: '0.0.0.0/0', via: '172.16.2.200' }],
  }),
  policy({ ipProto: '6', sport: '5555', routes: [{ prefix: '172.16.0.0/16', via: null }] }),
  policy({ ipProto: '17', dport: '6666' }),
  policy({ ipProto: '17', dport: '6667-6670' }),
  policy({
    from: '2004::3/128',
    ipProto: '17',
    dport: '5555',
    routes: [{ prefix: '2004::5/120', via: '2004::6' }],
  }),
];

const withPolicies = (policies: readonly PolicySpec[], more: Partial<SideSpec> = {}): WireSpec => {
  const left = { ...end(client, '172.16.2.201/24', '2004::3/120'), name: 'nsm-1', policies, ...more };
  return wireSpec(left, end(service), { owner: 'connection' });
};

describe('policies', () => {
  test('send what they are about through tables 1 to 5, in their order', async () => {
    await agent.wires.add(withPolicies(five));
    const way = (...packet: string[]): unknown => wayOf(client, ...packet);
    const from = ['from', '172.16.2.201', 'ipproto'];
    expect(way('172.16.3.1', ...from, 'tcp', 'dport', '6666')).toMatchObject({
      dev: 'nsm-1',
      gateway: '172.16.2.200',
      table: '1',
    });
    expect(way('172.16.3.1', ...from, 'tcp', 'sport', '5555')).toMatchObject({ dev: 'nsm-1', table: '2' });
    expect(way('172.16.4.1', 'ipproto', 'udp', 'dport', '6666')).toMatchObject({ dev: 'nsm-1', table: '3' });
    expect(way('172.16.4.1', 'ipproto', 'udp', 'dport', '6668')).toMatchObject({ dev: 'nsm-1', table: '4' });
    expect(way('2004::5', 'from', '2004::3', 'ipproto', 'udp', 'dport', '5555')).toMatchObject({
      dev: 'nsm-1',
      gateway: '2004::6',
      table: '5',
    });
    expect(rules(client, 4).map(({ table }) => table)).toEqual(['4', '3', '2', '1']);
    expect(rules(client, 6)).toEqual([
      expect.objectContaining({ src: '2004::3', ipproto: 'udp', dport: 5555, table: '5' }),
    ]);
    // What they say nothing of goes its own way.
    for (const packet of [
      ['172.16.4.1', 'ipproto', 'udp', 'dport', '6671'],
      ['172.16.4.1', 'ipproto', 'tcp', 'dport', '6668'],
      ['172.16.3.1', 'ipproto', 'tcp', 'dport', '6667'],
    ])
      expect(way(...packet)).toMatchObject({ dev: 'eth0', gateway: '192.0.2.1' });
  });

  test('match the whole prefix of where packets are from, which need not be an address of the interface', async () => {
    const others = [
      policy({ from: '172.16.2.201/24', ipProto: '6', dport: '1' }),
      policy({ from: '198.51.100.0/24', ipProto: '6', dport: '2' }),
      policy({ from: '2001:db8:5::7/64', ipProto: '6', dport: '3' }),
    ];
    const { id } = await agent.wires.add(withPolicies(others));
    run('ip', '-n', client, 'addr', 'add', '172.16.2.7/32', 'dev', 'lo');
    run('ip', '-n', client, 'addr', 'add', '198.51.100.9/32', 'dev', 'lo');
    const way = (from: string, dport: string): string =>
      wayOf(client, '172.16.9.1', 'from', from, 'ipproto', 'tcp', 'dport', dport).dev;
    for (const from of ['172.16.2.201', '172.16.2.7']) expect(way(from, '1')).toBe('nsm-1');
    expect([way('198.51.100.9', '1'), way('198.51.100.9', '2')]).toEqual(['eth0', 'nsm-1']);
    expect(rules(client, 6)).toMatchObject([{ src: '2001:db8:5::', srclen: 64, dport: 3 }]);
    for (const address of ['172.16.2.7/32', '198.51.100.9/32'])
      run('ip', '-n', client, 'addr', 'del', address, 'dev', 'lo');
    await agent.wires.remove({ id });
    expect(dump(client)).toEqual(before);
  });

  test('go with the wire, and leave what the pod had', async () => {
    const { id } = await agent.wires.add(withPolicies(five));
    expect(dump(client).rules.length).toBe(before.rules.length + 5);
    await agent.wires.remove({ id });
    expect(dump(client)).toEqual(before);
  });

  test('take tables that no rule, no route and no other wire uses', async () => {
    const ip = (...args: string[]): string => run('ip', '-n', client, ...args);
    ip('rule', 'add', 'from', '198.51.100.1', 'table', '1');
    ip('-6', 'rule', 'add', 'from', '2001:db8:9::1', 'table', '3');
    ip('route', 'add', '198.51.100.0/24', 'dev', 'eth0', 'table', '2');
    ip('-6', 'route', 'add', '2001:db8:9::/64', 'dev', 'eth0', 'table', '5');
    before = dump(client);
    const one = [policy({ ipProto: '6', dport: '80' }), policy({ ipProto: '6', dport: '81' })];
    const other = [policy({ ipProto: '6', dport: '82' })];
    const first = await agent.wires.add(withPolicies(one));
    await agent.wires.add(withPolicies(other, { name: 'nsm-2', addresses: [] }));
    const tableOf = (port: number): string | undefined =>
      rules(client, 4).find(({ dport }) => dport === port)?.table;
    expect([80, 81, 82].map(tableOf)).toEqual(['4', '6', '7']);
    await agent.wires.remove({ id: first.id });
    expect([80, 81, 82].map(tableOf)).toEqual([undefined, undefined, '7']);
    await agent.wires.add(withPolicies(one, { name: 'nsm-3' }));
    expect([80, 81, 82].map(tableOf)).toEqual(['4', '6', '7']);
    await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
    expect(dump(client)).toEqual(before);
  });

  test('keep two services apart whose addresses overlap', async () => {
    const one = withPolicies([policy({ ipProto: '17', dport: '1111' })]);
    const other = withPolicies([policy({ ipProto: '17', dport: '2222' })], { name: 'nsm-2' });
    await agent.wires.add(one);
    await agent.wires.add(other);
    const way = (port: string): string => wayOf(client, '172.16.2.7', 'ipproto', 'udp', 'dport', port).dev;
    expect([way('1111'), way('2222')]).toEqual(['nsm-1', 'nsm-2']);
    expect(routes(client, '2', 'nsm-2')).toEqual([expect.objectContaining({ dst: 'default' })]);
  });

  test("never take others' rules along, however alike", async () => {
    const { id } = await agent.wires.add(withPolicies([policy({ ipProto: '6', dport: '80' })]));
    run('ip', '-n', client, 'rule', 'add', 'ipproto', 'tcp', 'dport', '80', 'table', '77');
    const narrower = ['from', '198.51.100.1', 'ipproto', 'tcp', 'dport', '80', 'table', '1', 'pref', '5'];
    run('ip', '-n', client, 'rule', 'add', ...narrower);
    await agent.wires.remove({ id });
    expect(rules(client, 4).map(({ table, src }) => [table, src])).toEqual([
      ['1', '198.51.100.1'],
      ['77', 'all'],
    ]);
  });

  test('are gone when their interface was deleted together with its namespace, too', async () => {
    const { id } = await agent.wires.add(withPolicies(five));
    pods.remove(client);
    await eventually(() => {
      expect(node.wire(id)).toBeUndefined();
    });
  });
});

describe('a policy is refused, by its field, for', () => {
  test.each<[string, PolicySpec[], string, RegExp]>([
    [
      'nothing to tell its packets by',
      [policy({ routes: [{ prefix: '10.0.0.0/8', via: null }] })],
      'left.policies[0]',
      /it would take all packets of the pod/,
    ],
    ['the prefix of all', [policy({ from: '0.0.0.0/0' })], 'left.policies[0]', /all packets of the pod/],
    [
      'a protocol by name',
      [policy({ ipProto: 'tcp' })],
      'left.policies[0].ipProto',
      /allowed is a number from 1 to 255: 6 is TCP, 17 UDP/,
    ],
    ['protocol 0', [policy({ ipProto: '0' })], 'left.policies[0].ipProto', /from 1 to 255/],
    ['protocol 256', [policy({ ipProto: '256' })], 'left.policies[0].ipProto', /from 1 to 255/],
    [
      'a port of 0',
      [policy({ ipProto: '6', dport: '0' })],
      'left.policies[0].dport',
      /allowed is a port from 1 to 65534, or a range such as '6667-6670'/,
    ],
    [
      'a port no rule takes',
      [policy({ ipProto: '6', sport: '65535' })],
      'left.policies[0].sport',
      /1 to 65534/,
    ],
    ['a range that is turned round', [policy({ dport: '20-10' })], 'left.policies[0].dport', /20-10/],
    ['a range without end', [policy({ dport: '20-' })], 'left.policies[0].dport', /20-/],
    ['an address without length', [policy({ from: '10.0.0.1' })], 'left.policies[0].from', /prefix length/],
    [
      'a route of another family',
      [policy({ from: '10.0.0.1/32', routes: [{ prefix: '2001:db8::/64', via: null }] })],
      'left.policies[0].routes[0].prefix',
      /the policy is for packets from '10\.0\.0\.1\/32': allowed is an IPv4 prefix/,
    ],
    [
      'the packets of another one',
      [policy({ dport: '80' }), policy({ dport: '080' })],
      'left.policies[1]',
      /so is left\.policies\[0\]/,
    ],
    [
      'being one of too many',
      Array.from({ length: 65 }, (_, i) => policy({ dport: String(i + 1) })),
      'left.policies',
      /65 policies.*at most 64/,
    ],
  ])('%s', async (_, policies, field, message) => {
    const failure = await failureOf(agent.wires.add(withPolicies(policies)));
    expect(failure).toMatchObject({ code: 'invalid', field });
    expect(failure.message).toMatch(message);
    expect(dump(client)).toEqual(before);
  });

  test('a range up to the last port a rule takes is taken', async () => {
    await agent.wires.add(withPolicies([policy({ dport: '1-65534' })]));
    expect(rules(client, 4)).toEqual([expect.objectContaining({ dport_start: 1, dport_end: 65534 })]);
    expect(() => run('ip', '-n', client, 'rule', 'add', 'dport', '1-65535', 'table', '9')).toThrow();
  });
});
