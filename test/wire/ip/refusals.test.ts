// What a pod has of its own is not drawn away from it:
//
//   pod client
//   eth0   192.0.2.10/24, 2001:db8:ffff::10/64, default via 192.0.2.1
//   ptp0   198.51.100.1 peer 198.51.100.2/31
//   lo     127.0.0.1/8, 203.0.113.7/32
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../../src/agent.ts';
import type { Failure } from '../../../src/features/failure.ts';
import type { SideSpec, WireSpec } from '../../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../../fds.ts';
import { Pods, run } from '../../pods.ts';
import { failureOf } from '../failure.ts';
import { nothing } from '../inventory.ts';
import { change, end, Node, wireSpec } from '../node.ts';
import { addresses, dump, type Dump } from './dump.ts';
import { podWithEth0 } from './pod.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const client = podWithEth0(pods, 'client');
const service = pods.make('service');
let agent: Agent;
let before: Dump;

const left = (more: Partial<SideSpec>): WireSpec =>
  wireSpec({ ...end(client), name: 'nsm-1', ...more }, end(service));

beforeAll(async () => {
  const ip = (...args: string[]): string => run('ip', '-n', client, ...args);
  ip('link', 'add', 'ptp0', 'type', 'bridge');
  ip('link', 'set', 'ptp0', 'addrgenmode', 'none');
  ip('link', 'set', 'ptp0', 'up');
  ip('addr', 'add', '198.51.100.1', 'peer', '198.51.100.2/31', 'dev', 'ptp0');
  ip('addr', 'add', '203.0.113.7/32', 'dev', 'lo');
  ip('route', 'add', 'blackhole', '100.64.0.0/10');
  agent = await node.start();
  before = dump(client);
});
afterEach(async () => {
  await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
  expect(node.inventory.held()).toEqual(nothing);
  expect(dump(client)).toEqual(before);
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

async function refused(asked: Promise<unknown>, expected: Partial<Failure>): Promise<void> {
  expect(await failureOf(asked)).toMatchObject(expected);
}

describe("an address that overlaps the pod's own is refused", () => {
  test.each<[string, string, string]>([
    ['the same address', '192.0.2.10/32', "192.0.2.0/24 of 'eth0'"],
    ['one in its subnet', '192.0.2.200/32', "192.0.2.0/24 of 'eth0'"],
    ['one whose prefix contains its subnet', '192.0.3.1/22', "192.0.2.0/24 of 'eth0'"],
    ['an IPv6 one in its subnet', '2001:db8:ffff::2/128', "2001:db8:ffff::/64 of 'eth0'"],
    ['an IPv6 prefix that contains it', '2001:db8::1/32', "2001:db8:ffff::/64 of 'eth0'"],
    ['the far end of its point-to-point link', '198.51.100.2/32', "198.51.100.2/31 of 'ptp0'"],
    ['an address of lo', '203.0.113.7/32', "203.0.113.7/32 of 'lo'"],
  ])('%s', async (_, address, whose) => {
    await refused(agent.wires.add(left({ addresses: ['10.0.0.1/24', address] })), {
      code: 'refused',
      field: 'left.addresses[1]',
      value: address,
      message: `left.addresses[1] is '${address}': it overlaps ${whose}`,
      allowed: "an address outside of what the pod's own interfaces have",
    });
  });

  test('also when it comes later, which leaves the wire as it is', async () => {
    const { id } = await agent.wires.add(left({ addresses: ['10.0.0.1/24'] }));
    const ip = { addresses: ['10.0.0.1/24', '192.0.2.11/24'], routes: [], neighbors: [], policies: [] };
    const during = dump(client);
    await refused(agent.wires.update({ id }, change({ left: ip })), {
      code: 'refused',
      field: 'left.addresses[1]',
      message: "left.addresses[1] is '192.0.2.11/24': it overlaps 192.0.2.0/24 of 'eth0'",
    });
    expect(dump(client)).toEqual(during);
    expect(node.wire(id)?.left.addresses).toEqual(['10.0.0.1/24']);
  });
});

describe('an address is taken', () => {
  test('though it is in 127.0.0.0/8, since lo has all of it', async () => {
    await agent.wires.add(left({ addresses: ['127.1.2.3/32'] }));
    expect(addresses(client, 'nsm-1')).toEqual(['127.1.2.3/32']);
  });

  test('though it is link-local, as every interface has one', async () => {
    run('ip', '-n', client, 'addr', 'add', 'fe80::1/64', 'dev', 'eth0', 'nodad');
    await agent.wires.add(left({ addresses: ['fe80::7/64'] }));
    expect(run('ip', '-n', client, '-6', 'addr', 'show', 'dev', 'nsm-1')).toContain('fe80::7/64');
    run('ip', '-n', client, 'addr', 'del', 'fe80::1/64', 'dev', 'eth0');
  });

  test('though other interfaces of ours have the same, as the one endpoint of several clients', async () => {
    const clients = ['one', 'two', 'three'].map((label) => pods.make(label));
    for (const [i, name] of clients.entries())
      await agent.wires.add(
        wireSpec(end(name, `10.0.0.${i + 2}/32`), {
          ...end(service, '10.0.0.1/32'),
          routes: [{ prefix: `10.0.0.${i + 2}/32`, via: null }],
        }),
      );
    const shown = run('ip', '-n', service, '-4', '-br', 'addr', 'show');
    expect(shown.match(/10\.0\.0\.1\/32/g)).toHaveLength(3);
  });
});

describe('a route is refused, by its field, for', () => {
  test.each<[string, Partial<SideSpec>, Partial<Failure>]>([
    [
      "the pod's own default route",
      { routes: [{ prefix: '0.0.0.0/0', via: '10.0.0.2' }] },
      {
        code: 'refused',
        field: 'left.routes[0].prefix',
        value: '0.0.0.0/0',
        message: "left.routes[0].prefix is '0.0.0.0/0': interface 'eth0' has a default route already",
        allowed: `a prefix that nothing in 'name:${client}' routes yet`,
      },
    ],
    [
      'the subnet of another interface',
      { routes: [{ prefix: '192.0.2.77/24', via: null }] },
      {
        code: 'refused',
        message:
          "left.routes[0].prefix is '192.0.2.0/24': interface 'eth0' has a route to 192.0.2.0/24 already",
      },
    ],
    [
      'a prefix that leads nowhere',
      { routes: [{ prefix: '100.64.0.0/10', via: null }] },
      {
        code: 'refused',
        message:
          "left.routes[0].prefix is '100.64.0.0/10': there is a blackhole route to 100.64.0.0/10 already",
      },
    ],
    [
      'a gateway that is an address of the interface itself',
      { routes: [{ prefix: '10.9.0.0/16', via: '10.0.0.1' }] },
      {
        code: 'refused',
        field: 'left.routes[0].prefix',
        message: expect.stringMatching(/Nexthop/) as unknown as string,
      },
    ],
    [
      'two gateways for a prefix',
      {
        routes: [
          { prefix: '10.9.0.0/16', via: '10.0.0.2' },
          { prefix: '10.9.1.0/16', via: '10.0.0.3' },
        ],
      },
      {
        code: 'invalid',
        field: 'left.routes[1].prefix',
        message:
          "left.routes[1].prefix is '10.9.1.0/16': it is routed via '10.0.0.2' already: allowed is one gateway for a prefix",
      },
    ],
    [
      'a gateway of the other family',
      { routes: [{ prefix: '10.9.0.0/16', via: '2001:db8::1' }] },
      {
        code: 'invalid',
        field: 'left.routes[0].via',
        message:
          "left.routes[0].via is '2001:db8::1': the prefix is '10.9.0.0/16': allowed is an IPv4 address",
      },
    ],
    [
      'a gateway that is none',
      { routes: [{ prefix: '10.9.0.0/16', via: 'gw' }] },
      { code: 'invalid', field: 'left.routes[0].via', value: 'gw' },
    ],
    [
      'a prefix that is none',
      { routes: [{ prefix: '10.9.0.0', via: null }] },
      { code: 'invalid', field: 'left.routes[0].prefix', value: '10.9.0.0' },
    ],
    [
      'being one of too many',
      { routes: Array.from({ length: 257 }, (_, i) => ({ prefix: `10.9.${i}.0/24`, via: null })) },
      { code: 'invalid', field: 'left.routes', value: '257 routes', allowed: 'at most 256' },
    ],
  ])('%s', async (_, more, expected) => {
    await refused(agent.wires.add(left({ addresses: ['10.0.0.1/24'], ...more })), expected);
  });

  test('a prefix that another interface of ours has', async () => {
    const routes = [{ prefix: '10.9.0.0/16', via: null }];
    await agent.wires.add(left({ routes }));
    await refused(agent.wires.add(left({ name: 'nsm-2', routes })), {
      code: 'refused',
      message: "left.routes[0].prefix is '10.9.0.0/16': interface 'nsm-1' has a route to 10.9.0.0/16 already",
    });
  });
});

describe('a neighbour is refused, by its field, for', () => {
  test.each<[string, SideSpec['neighbors'], Partial<Failure>]>([
    [
      'an address that is none',
      [{ address: 'x', mac: '02:00:00:00:00:01' }],
      { code: 'invalid', field: 'left.neighbors[0].address', value: 'x' },
    ],
    [
      'a group MAC',
      [{ address: '10.0.0.2', mac: '03:00:00:00:00:01' }],
      { code: 'invalid', field: 'left.neighbors[0].mac' },
    ],
    [
      'two MACs for an address',
      [
        { address: '10.0.0.2', mac: '02:00:00:00:00:01' },
        { address: '10.0.0.2', mac: '02:00:00:00:00:02' },
      ],
      {
        code: 'invalid',
        field: 'left.neighbors[1].mac',
        message:
          "left.neighbors[1].mac is '02:00:00:00:00:02': '10.0.0.2' has '02:00:00:00:00:01' already: allowed is one MAC for an address",
      },
    ],
    [
      'being one of too many',
      Array.from({ length: 257 }, (_, i) => ({ address: `10.0.${i}.2`, mac: '02:00:00:00:00:01' })),
      { code: 'invalid', field: 'left.neighbors', value: '257 neighbors' },
    ],
  ])('%s', async (_, neighbors, expected) => {
    await refused(agent.wires.add(left({ neighbors })), expected);
  });

  test('an IPv6 address with two lengths of its prefix', async () => {
    await refused(agent.wires.add(left({ addresses: ['2001:db8::1/64', '2001:db8::1/128'] })), {
      code: 'invalid',
      field: 'left.addresses[1]',
      message:
        "left.addresses[1] is '2001:db8::1/128': so is '2001:db8::1/64': allowed is one prefix length for an address",
    });
  });
});
