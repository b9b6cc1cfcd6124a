// One wire, told all there is of IP on both sides:
//
//   pod client                                          pod service
//   nsm-1  10.0.0.1/32  2001:db8::1/128    <----->      nsm-2  10.0.0.2/32  2001:db8::2/128
//   10.0.0.2, 2001:db8::2 on the link                   10.0.0.1, 2001:db8::1 on the link
//   172.16.0.0/16 via 10.0.0.2
//   default (v6) via 2001:db8::2
//   eth0   192.0.2.10/24, default via 192.0.2.1
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../../src/agent.ts';
import type { WireSpec } from '../../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../../fds.ts';
import { Pods, run } from '../../pods.ts';
import { links, nothing } from '../inventory.ts';
import { end, Node, wireSpec } from '../node.ts';
import { addresses, dump, neighbors, routes, wayOf } from './dump.ts';
import { podWithEth0 } from './pod.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
let client: string;
let service: string;
let agent: Agent;
let made = 0;

const spec = (more: Partial<WireSpec> = {}): WireSpec =>
  wireSpec(
    {
      ...end(client, '10.0.0.1/32', '2001:db8::1/128'),
      name: 'nsm-1',
      routes: [
        { prefix: '10.0.0.2/32', via: null },
        { prefix: '2001:db8::2/128', via: null },
        { prefix: '172.16.5.9/16', via: '10.0.0.2' },
        { prefix: '::/0', via: '2001:DB8::2' },
      ],
      neighbors: [
        { address: '10.0.0.2', mac: '02:00:00:00:00:02' },
        { address: '2001:db8::2', mac: '02:00:00:00:00:02' },
      ],
    },
    {
      ...end(service, '10.0.0.2/32', '2001:db8::2/128'),
      name: 'nsm-2',
      mac: '02:00:00:00:00:02',
      routes: [
        { prefix: '10.0.0.1/32', via: null },
        { prefix: '2001:db8::1/128', via: null },
      ],
    },
    { owner: 'connection', service: 'web', ...more },
  );

beforeAll(async () => {
  agent = await node.start();
});
beforeEach(() => {
  made += 1;
  client = podWithEth0(pods, `client${made}`);
  service = pods.make(`service${made}`);
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

describe('a side that is told all of IP', () => {
  test('has it before the answer comes, both families', async () => {
    const wire = await agent.wires.add(spec());
    expect(wire).toMatchObject({ owner: 'connection', service: 'web', state: 'open' });
    expect(addresses(client, 'nsm-1')).toEqual(['10.0.0.1/32', '2001:db8::1/128']);
    expect(addresses(service, 'nsm-2')).toEqual(['10.0.0.2/32', '2001:db8::2/128']);
    const ours = routes(client, 'main', 'nsm-1').filter(({ protocol }) => protocol === 'static');
    expect(ours).toEqual([
      expect.objectContaining({ dst: '10.0.0.2', scope: 'link' }),
      expect.objectContaining({ dst: '172.16.0.0/16', gateway: '10.0.0.2', flags: ['onlink'] }),
      expect.objectContaining({ dst: '2001:db8::2' }),
      expect.objectContaining({ dst: 'default', gateway: '2001:db8::2' }),
    ]);
    expect(neighbors(client, 'nsm-1')).toEqual(
      expect.arrayContaining([
        { dst: '10.0.0.2', lladdr: '02:00:00:00:00:02', state: ['PERMANENT'] },
        { dst: '2001:db8::2', lladdr: '02:00:00:00:00:02', state: ['PERMANENT'] },
      ]),
    );
    for (const address of ['10.0.0.2', '2001:db8::2'])
      expect(pods.exec(client, 'ping', '-n', '-c', '1', '-W', '3', address)).toContain('1 received');
    expect(wayOf(client, '172.16.1.1')).toMatchObject({ dev: 'nsm-1', gateway: '10.0.0.2' });
  });

  test("leaves the pod's own interfaces, routes, rules and neighbours as they are, and nothing when it goes", async () => {
    const before = dump(client);
    const { id } = await agent.wires.add(spec());
    const during = dump(client);
    for (const kind of ['addresses', 'routes', 'rules', 'neighbors'] as const)
      expect(during[kind]).toEqual(expect.arrayContaining(before[kind]));
    await agent.wires.remove({ id });
    expect(dump(client)).toEqual(before);
  });

  test('has IPv6 though its pod uses none by itself', async () => {
    for (const scope of ['all', 'default'])
      run('ip', 'netns', 'exec', client, 'sysctl', '-q', `net.ipv6.conf.${scope}.disable_ipv6=1`);
    await agent.wires.add(spec());
    expect(pods.exec(client, 'ping', '-n', '-c', '1', '-W', '3', '2001:db8::2')).toContain('1 received');
    expect(run('ip', '-n', client, '-6', 'addr', 'show', 'dev', 'eth0')).toBe('');
  });

  test('of a connection lets everybody in the pod ping, as NSM clients need; of a wire not', async () => {
    const groups = (): string => pods.exec(client, 'cat', '/proc/sys/net/ipv4/ping_group_range').trim();
    const before = groups();
    await agent.wires.add(spec({ owner: 'wire' }));
    expect(groups()).toBe(before);
    await agent.wires.remove({ id: agent.wires.list()[0]?.id ?? 0 });
    await agent.wires.add(spec());
    expect(groups()).toBe('0\t2147483647');
  });

  test('may be told the same thing twice', async () => {
    const twice = spec();
    await agent.wires.add({
      ...twice,
      left: {
        ...twice.left,
        addresses: [...twice.left.addresses, ...twice.left.addresses],
        routes: [...twice.left.routes, ...twice.left.routes],
        neighbors: [...twice.left.neighbors, ...twice.left.neighbors],
      },
    });
    expect(addresses(client, 'nsm-1')).toEqual(['10.0.0.1/32', '2001:db8::1/128']);
  });

  test('that is made again after its device was deleted has it again', async () => {
    const { id } = await agent.wires.add(spec());
    const before = dump(client);
    const ifindex = links(client).find(({ ifname }) => ifname === 'nsm-1')?.ifindex;
    run('ip', '-n', client, 'link', 'del', 'nsm-1');
    await new Promise<void>((resolve) => {
      const end = agent.wires.subscribe((event) => {
        if (event.wire !== id || event.type !== 'updated') return;
        end();
        resolve();
      });
    });
    expect(links(client).find(({ ifname }) => ifname === 'nsm-1')?.ifindex).not.toBe(ifindex);
    const after = dump(client);
    for (const kind of ['routes', 'rules', 'neighbors'] as const) expect(after[kind]).toEqual(before[kind]);
    expect(addresses(client, 'nsm-1')).toEqual(['10.0.0.1/32', '2001:db8::1/128']);
  });

  test('is told as much as the limits allow', async () => {
    const many = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
    const wire = spec();
    await agent.wires.add({
      ...wire,
      left: {
        ...wire.left,
        addresses: many(64).map((i) => (i % 2 === 0 ? `10.1.0.${i}/32` : `2001:db8:1::${i}/128`)),
        routes: many(256).map((i) => ({ prefix: `10.2.${i}.0/24`, via: '10.0.0.2' })),
        neighbors: many(256).map((i) => ({ address: `10.3.0.${i}`, mac: '02:00:00:00:00:02' })),
        policies: many(64).map((i) => ({
          from: null,
          ipProto: '6',
          sport: null,
          dport: String(1000 + i),
          routes: [],
        })),
      },
    });
    expect(addresses(client, 'nsm-1')).toHaveLength(64);
    expect(routes(client, 'main', 'nsm-1').filter(({ gateway }) => gateway === '10.0.0.2')).toHaveLength(256);
    expect(neighbors(client, 'nsm-1')).toHaveLength(256);
    expect(wayOf(client, '203.0.113.1', 'ipproto', 'tcp', 'dport', '1063')).toMatchObject({ dev: 'nsm-1' });
    expect(wayOf(client, '203.0.113.1', 'ipproto', 'tcp', 'dport', '1064')).toMatchObject({ dev: 'eth0' });
  });
});
