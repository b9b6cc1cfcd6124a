// What is counted is what went through, as the pods' own stacks and devices tell it:
//
//   pod a                        agent's namespace                    pod b
//   OutSegs, tx packets/bytes -> packets, segments, bytes of a hop -> rx packets/bytes
//
// Both pods are silent (no IPv6, permanent neighbours), so that every frame is the test's.
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { CounterItem, WireItem } from '../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { end, Node, wireSpec } from './node.ts';
import { Stream, tool } from './traffic.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
let agent: Agent;
let wire: WireItem;

interface Stats {
  stats64: Record<'rx' | 'tx', { packets: number; bytes: number }>;
}

const device = (pod: string): Stats['stats64'] => {
  const [found] = JSON.parse(run('ip', '-n', pod, '-s', '-j', 'link', 'show', 'vwire0')) as Stats[];
  if (!found) throw new Error(`${pod} has no vwire0`);
  return found.stats64;
};
/** OutSegs leaves out what is sent again. */
const segmentsOut = (pod: string): number => {
  const names = ['TcpOutSegs', 'TcpRetransSegs'];
  const shown = run('ip', 'netns', 'exec', pod, 'nstat', '-a', '-s', '-z', ...names);
  return names.reduce((sum, name) => sum + Number(new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(shown)?.[1]), 0);
};
const counters = (): WireItem['counters'] => {
  const found = node.wire(wire.id);
  if (!found) throw new Error('The wire is gone');
  return found.counters;
};

beforeAll(async () => {
  for (const pod of [a, b])
    run('ip', 'netns', 'exec', pod, 'sysctl', '-q', 'net.ipv6.conf.default.disable_ipv6=1');
  agent = await node.start();
});
beforeEach(async () => {
  if (agent.wires.list().length > 0) await agent.wires.remove({ id: wire.id });
  wire = await agent.wires.add(wireSpec(end(a, '10.0.0.1/24'), end(b, '10.0.0.2/24')));
  run(
    'ip',
    '-n',
    a,
    'neigh',
    'replace',
    '10.0.0.2',
    'lladdr',
    wire.right.mac,
    'dev',
    'vwire0',
    'nud',
    'permanent',
  );
  run(
    'ip',
    '-n',
    b,
    'neigh',
    'replace',
    '10.0.0.1',
    'lladdr',
    wire.left.mac,
    'dev',
    'vwire0',
    'nud',
    'permanent',
  );
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

describe('counters of a wire', () => {
  test('are zero when it is new', () => {
    const zero: CounterItem = { packets: 0n, segments: 0n, bytes: 0n, dropped: {} };
    expect(counters()).toEqual({ leftToRight: zero, rightToLeft: zero });
  });

  test('tell datagrams exactly, with their Ethernet headers', async () => {
    const args = ['--to', '10.0.0.2', '--port', '9', '--size', '100', '--ms', '200'];
    const { sent } = JSON.parse(pods.exec(a, tool('udp-send'), ...args)) as { sent: number };
    const { leftToRight, rightToLeft } = counters();
    const frame = 14 + 20 + 8 + 100;
    expect(leftToRight).toEqual({
      packets: BigInt(sent),
      segments: BigInt(sent),
      bytes: BigInt(sent * frame),
      dropped: {},
    });
    // Port 9 is closed: the answers are ICMP errors, as many as the kernel's rate limit lets out.
    expect(rightToLeft.packets).toBe(BigInt(device(b).tx.packets));
    expect(rightToLeft.bytes).toBe(BigInt(device(b).tx.bytes));
  });

  test('tell TCP in packets as they pass and in segments as they would be on a cable', async () => {
    const before = { a: segmentsOut(a), b: segmentsOut(b) };
    const start = { pod: a, address: '10.0.0.1' };
    const stream = await Stream.start(pods, start, { pod: b, address: '10.0.0.2' }, { mbytes: 50 });
    await stream.result();
    await eventually(() => {
      const { leftToRight, rightToLeft } = counters();
      expect([leftToRight.packets, leftToRight.bytes]).toEqual([
        BigInt(device(a).tx.packets),
        BigInt(device(a).tx.bytes),
      ]);
      expect([rightToLeft.packets, rightToLeft.bytes]).toEqual([
        BigInt(device(b).tx.packets),
        BigInt(device(b).tx.bytes),
      ]);
      expect(leftToRight.segments).toBe(BigInt(segmentsOut(a) - before.a));
      expect(rightToLeft.segments).toBe(BigInt(segmentsOut(b) - before.b));
    });
    // Large packets went through whole, or this would prove nothing.
    const { packets, segments } = counters().leftToRight;
    expect(Number(segments) / Number(packets)).toBeGreaterThan(5);
    expect(device(b).rx.packets).toBe(Number(packets));
  }, 30_000);

  test('are kept while the agent is away and go on afterwards', async () => {
    const ping = (count: number): string =>
      pods.exec(a, 'ping', '-n', '-c', String(count), '-i', '0.01', '10.0.0.2');
    ping(3);
    await node.stop();
    ping(4);
    agent = await node.start();
    ping(5);
    expect(counters()).toMatchObject({ leftToRight: { packets: 12n }, rightToLeft: { packets: 12n } });
  });
});
