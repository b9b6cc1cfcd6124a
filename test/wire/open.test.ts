// What `add` gives:
//
//   pod a                       agent's namespace                       pod b
//   +--------+           +--------------------------+           +--------+
//   | vwire0 |===========| vw....l          vw....r |===========| vwire0 |
//   | .1 ::1 |   veth    |  MAC of b       MAC of a |   veth    | .2 ::2 |
//   +--------+           +--------------------------+           +--------+
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import { failOnLeakedFds } from '../fds.ts';
import { Pods, run } from '../pods.ts';
import { link, links, nothing } from './inventory.ts';
import { end, Node, wireSpec } from './node.ts';
import { repetitions } from './repeat.ts';
import { Datagrams, Stream } from './traffic.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
let agent: Agent;

beforeAll(async () => {
  agent = await node.start({ allowHostNetns: true });
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

const v4 = wireSpec(end(a, '10.0.0.1/24'), end(b, '10.0.0.2/24'));
const spec = wireSpec(end(a, '10.0.0.1/24', 'fd00::1/64'), end(b, '10.0.0.2/24', 'fd00::2/64'));

/** Milliseconds from the first packet to its answer; neighbour discovery included. */
function firstPing(pod: string, address: string): number {
  const said = pods.exec(pod, 'ping', '-n', '-c', '1', '-W', '3', address);
  return Number(/time=([\d.]+) ms/.exec(said)?.[1] ?? NaN);
}

describe('a wire that was added', () => {
  test('has the names, addresses and MACs that were asked for', async () => {
    const wire = await agent.wires.add({
      ...spec,
      connection: 'web-to-db',
      left: { ...spec.left, name: 'to-db', mac: '02:AA:00:00:00:01' },
      right: { ...spec.right, mac: '02:aa:00:00:00:02' },
    });
    expect(wire).toMatchObject({
      connection: 'web-to-db',
      state: 'open',
      left: { netns: `name:${a}`, name: 'to-db', mac: '02:aa:00:00:00:01' },
      right: { name: 'vwire0', mac: '02:aa:00:00:00:02', addresses: ['10.0.0.2/24', 'fd00::2/64'] },
    });
    expect(link(a, 'to-db')).toMatchObject({ address: '02:aa:00:00:00:01', ifindex: wire.left.ifindex });
    const shown = run('ip', '-n', b, '-br', 'addr', 'show', 'vwire0');
    expect(shown).toContain('10.0.0.2/24');
    expect(shown).toContain('fd00::2/64');
    // The host ends: each carries the far pod's MAC, is silent, and bears the mark.
    expect(link(null, wire.left.host.name)).toMatchObject({
      address: '02:aa:00:00:00:02',
      ifindex: wire.left.host.ifindex,
      ifalias: `vwire:${node.instance}:${wire.id}:left`,
    });
    expect(link(null, wire.left.host.name).flags).toEqual(
      expect.arrayContaining(['NOARP', 'UP', 'LOWER_UP']),
    );
    expect(link(null, wire.right.host.name).address).toBe('02:aa:00:00:00:01');
    expect(run('ip', '-br', 'addr', 'show', wire.right.host.name).trim().split(/\s+/)).toHaveLength(2);
  });

  test.each([1500, 9000, 1280, 576, 65535])('has an MTU of %d on all four ends', async (mtu) => {
    const wire = await agent.wires.add({ ...(mtu < 1280 ? v4 : spec), mtu });
    const ends = [link(a, 'vwire0'), link(b, 'vwire0')];
    const hosts = [wire.left, wire.right].map(({ host }) => link(null, host.name));
    expect([...ends, ...hosts].map((l) => l.mtu)).toEqual([mtu, mtu, mtu, mtu]);
    const size = String(Math.min(mtu, 65535) - 28);
    expect(pods.exec(a, 'ping', '-n', '-c', '1', '-M', 'do', '-s', size, '10.0.0.2')).toContain('1 received');
  });

  test('lets packets for BIG TCP through whole on all four ends', async () => {
    const wire = await agent.wires.add(spec);
    const hosts = [wire.left, wire.right].map(({ host }) => link(null, host.name));
    for (const each of [link(a, 'vwire0'), link(b, 'vwire0'), ...hosts])
      expect(each).toMatchObject({ gso_max_size: 196608, gro_max_size: 196608 });
  });

  test('carries the first packet at once, IPv4 and IPv6, every time', async () => {
    const times: number[] = [];
    for (let i = 0; i < repetitions(5); i++) {
      const { id } = await agent.wires.add(spec);
      times.push(firstPing(a, '10.0.0.2'), firstPing(b, 'fd00::1'));
      await agent.wires.remove({ id });
    }
    // A first packet that is lost costs a second: neighbour discovery asks again then.
    expect(times.filter((ms) => !(ms < 500))).toEqual([]);
  }, 120_000);

  test('carries TCP and UDP over IPv4 and IPv6', async () => {
    await agent.wires.add(spec);
    for (const [left, right] of [
      ['10.0.0.1', '10.0.0.2'],
      ['fd00::1', 'fd00::2'],
    ] as const) {
      const hosts = [
        { pod: a, address: left },
        { pod: b, address: right },
      ] as const;
      const datagrams = await Datagrams.start(pods, ...hosts, 20_000);
      const stream = await Stream.start(pods, ...hosts);
      const [given, taken] = await stream.result();
      expect(taken).toMatchObject({ hash: given.hash, bytes: given.bytes, complete: true });
      for (const side of await datagrams.stop())
        expect(side).toMatchObject({ peer: true, lost: 0, duplicates: 0, rcvbufErrors: 0 });
    }
  }, 30_000);

  test('needs no IPv6 in the pods', async () => {
    const [plain, lone] = [pods.make('no6'), pods.make('nolinklocal')];
    run('ip', 'netns', 'exec', plain, 'sysctl', '-q', 'net.ipv6.conf.default.disable_ipv6=1');
    // Such an interface gets no link-local address, hence joins no group by itself.
    run('ip', 'netns', 'exec', lone, 'sysctl', '-q', 'net.ipv6.conf.default.addr_gen_mode=1');
    await agent.wires.add(wireSpec(end(plain, '10.0.0.1/24'), end(lone, '10.0.0.2/24')));
    expect(firstPing(plain, '10.0.0.2')).toBeLessThan(500);
  });
});

describe('wires beside each other', () => {
  test('a second one in the same pods has its own names and traffic', async () => {
    const first = await agent.wires.add(spec);
    const second = await agent.wires.add(wireSpec(end(a, '10.0.1.1/24'), end(b, '10.0.1.2/24')));
    expect(second.left.name).toBe('vwire1');
    firstPing(a, '10.0.1.2');
    const packets = (id: number): bigint => node.wire(id)?.counters.leftToRight.packets ?? -1n;
    const before = [packets(first.id), packets(second.id)] as const;
    pods.exec(a, 'ping', '-n', '-c', '5', '-i', '0.01', '10.0.1.2');
    expect(packets(second.id) - before[1]).toBeGreaterThanOrEqual(5n);
    expect(packets(first.id) - before[0]).toBeLessThan(5n);
  });

  test('pods whose interfaces have the same names and numbers do not meet', async () => {
    const [c, d, e, f] = ['c', 'd', 'e', 'f'].map((label) => pods.make(label)) as [
      string,
      string,
      string,
      string,
    ];
    const one = await agent.wires.add(wireSpec(end(e, '10.0.0.1/24'), end(f, '10.0.0.2/24')));
    const other = await agent.wires.add(wireSpec(end(c, '10.0.0.1/24'), end(d, '10.0.0.2/24')));
    expect([one.left.name, one.left.ifindex]).toEqual([other.left.name, other.left.ifindex]);
    firstPing(e, '10.0.0.2');
    firstPing(c, '10.0.0.2');
    const mac = (pod: string): string => run('ip', '-n', pod, 'neigh', 'show', '10.0.0.2');
    expect(mac(e)).toContain(one.right.mac);
    expect(mac(c)).toContain(other.right.mac);
  });

  test('both ends in one namespace carry frames between its two interfaces', async () => {
    const wire = await agent.wires.add(wireSpec(end(a), end(a)));
    expect([wire.left.name, wire.right.name]).toEqual(['vwire0', 'vwire1']);
    const received = (): number => {
      const shown = run('ip', '-n', a, '-s', '-j', 'link', 'show', 'vwire1');
      return Number(/"rx":\{"bytes":\d+,"packets":(\d+)/.exec(shown)?.[1]);
    };
    const before = received();
    pods.exec(a, 'ping', '-n', '-c', '3', '-i', '0.01', '-I', 'vwire0', 'ff02::1');
    expect(received() - before).toBeGreaterThanOrEqual(3);
  });

  test("an end in the agent's own namespace is reached by REDIRECT, since PEER would drop", async () => {
    const own = { ...end(''), netns: `pid:${process.pid}`, name: 'vwtest-own', addresses: ['10.9.9.1/24'] };
    const wire = await agent.wires.add(wireSpec(own, end(b, '10.9.9.2/24')));
    expect(wire.hops.map(({ action }) => action)).toEqual(['peer', 'redirect']);
    expect(firstPing(b, '10.9.9.1')).toBeLessThan(500);
    expect(run('ping', '-n', '-c', '1', '10.9.9.2')).toContain('1 received');
    expect(links().some((l) => l.ifname === 'vwtest-own')).toBe(true);
    await agent.wires.remove({ id: wire.id });
    expect(links().some((l) => l.ifname === 'vwtest-own')).toBe(false);
  });
});
