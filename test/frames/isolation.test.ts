// The node speaks to its own network, forwards, and lies on a network of its own; the wire goes past it.
//
//   pod l                          pod n, the node itself                    pod r
//   +---------------+     +-----------------------------------+     +---------------+
//   | 10.0.0.1 -----+-----+-> host ========hops======== host <-+-----+--- 10.0.0.2   |
//   +---------------+     |                                   |     +---------------+
//        capture any      |   uplink 10.9.0.1, fd00:9::1      |         capture any
//                         +------+----------------------------+
//                                |            capture uplink
//                         pod o  10.9.0.2
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { missingTcx } from '../../loader/features.ts';
import type { Agent } from '../../src/agent.ts';
import type { Datapath } from '../../src/features/wire/api.ts';
import { ethernet } from '../bpf/frame.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { skipUnless } from '../skip.ts';
import { end, Node, wireSpec } from '../wire/node.ts';
import { corpus, sentinel } from './corpus.ts';
import { Capture, sendFrames, type Place } from './frames.ts';
import { moveInto } from './move.ts';

jest.setTimeout(60_000);

const pods = new Pods();
const node = new Node();
const macs = { left: '02:00:00:00:00:01', right: '02:00:00:00:00:02' };
const outside = pods.make('o');
const leave = moveInto(pods.make('n'));
const uplink = 'uplink';
const MARK = '02:00:00:00:0a:01';
const UPLINK_MAC = '02:00:00:00:09:01';
let agent: Agent;

beforeAll(async () => {
  pods.exec(outside, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
  run('ip', 'link', 'set', 'lo', 'up');
  // A node that would take in and pass on whatever reached it.
  for (const knob of [
    'ipv4.ip_forward',
    'ipv6.conf.all.forwarding',
    'ipv4.conf.all.arp_accept',
    'ipv4.conf.all.accept_local',
  ])
    run('sysctl', '-qw', `net.${knob}=1`);
  for (const knob of ['all', 'default']) run('sysctl', '-qw', `net.ipv4.conf.${knob}.rp_filter=0`);
  run(
    'ip',
    'link',
    'add',
    uplink,
    'address',
    UPLINK_MAC,
    'type',
    'veth',
    'peer',
    'name',
    'p0',
    'netns',
    outside,
  );
  run('ip', '-n', outside, 'link', 'set', 'p0', 'up');
  run('ip', 'link', 'set', uplink, 'up');
  run('ip', 'address', 'add', '10.9.0.1/24', 'dev', uplink);
  run('ip', 'address', 'add', 'fd00:9::1/64', 'dev', uplink, 'nodad');
  run('ip', '-n', outside, 'address', 'add', '10.9.0.2/24', 'dev', 'p0');
  pods.exec(outside, 'ping', '-c', '1', '-W', '5', '10.9.0.1');
  agent = await node.start();
});
afterAll(async () => {
  await node.close();
  leave();
  pods.close();
});

/** What the node's own stack took in since it began, by protocol; none of it may come from a wire. */
function nodeStack(): Record<string, number> {
  const taken: Record<string, number> = {};
  const [head = [], values = []] = readFileSync('/proc/thread-self/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Ip:'))
    .map((line) => line.split(' '));
  taken.ipv4 = Number(values[head.indexOf('InReceives')]);
  for (const line of readFileSync('/proc/thread-self/net/snmp6', 'utf8').split('\n')) {
    const [name = '', value] = line.split(/\s+/);
    if (name === 'Ip6InReceives') taken.ipv6 = Number(value);
  }
  return taken;
}

/** What is in `all` more often than in `some`. */
function without(all: readonly string[], some: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of some) left.set(line, (left.get(line) ?? 0) + 1);
  return all.filter((line) => {
    const n = left.get(line) ?? 0;
    left.set(line, n - 1);
    return n <= 0;
  });
}

interface Watch {
  incoming: Capture;
  both: Capture;
}
const watch = async (pod: string): Promise<Watch> => ({
  incoming: await Capture.start({ pod, device: 'any' }),
  both: await Capture.start({ pod, device: 'any' }, { outgoing: true }),
});
/** All of it: what a capture has not read yet lies before this frame in its queue. */
async function drained(capture: Capture, place: Place): Promise<string[]> {
  const last = sentinel(MARK);
  sendFrames(place, [last]);
  await capture.seen(last.toString('hex'));
  // On lo both addresses are zero; what a pod tells itself is its own affair.
  return (await capture.stop()).filter(
    (line) => line !== last.toString('hex') && !line.startsWith('0'.repeat(24)),
  );
}

async function seen({ incoming, both }: Watch, pod: string): Promise<{ received: string[]; sent: string[] }> {
  const lo = { pod, device: 'lo' };
  const received = await drained(incoming, lo);
  return { received, sent: without(await drained(both, lo), received) };
}

/** Everything a pod could try to reach the node with, and the odd frames to the other pod. */
function provoke(place: Place, from: 'left' | 'right', to: 'left' | 'right'): void {
  sendFrames(
    place,
    corpus({ src: macs[from], dst: macs[to] }, 1500).map(({ frame }) => frame),
  );
  sendFrames(
    place,
    corpus({ src: macs[from], dst: UPLINK_MAC }, 1500).map(({ frame }) => frame),
  );
  // To the node's own IPv4 address, to every link-layer address it might listen to.
  const echo = Buffer.from(
    '4500001c000100004001' + '66d5' + '0a000001' + '0a090001' + '0800f7fe00010000',
    'hex',
  );
  for (const dst of [UPLINK_MAC, macs[to], macs[from], 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01'])
    sendFrames(place, [ethernet(dst, macs[from], 0x0800, echo)]);
}

const pings = (from: string, address: string): void => {
  pods.exec(from, 'ping', '-n', '-c', '3', '-i', '0.02', '-W', '5', address);
};
const unanswered = (from: string, address: string): void => {
  expect(() => pods.exec(from, 'ping', '-n', '-c', '2', '-i', '0.02', '-W', '1', address)).toThrow();
};

test('control: over a plain veth both would be seen', async () => {
  const pod = pods.make('c');
  const watched = await watch(pod);
  const before = nodeStack();
  run('ip', 'link', 'add', 'plain', 'type', 'veth', 'peer', 'name', 'p0', 'netns', pod);
  run('ip', '-n', pod, 'link', 'set', 'p0', 'up');
  run('ip', 'link', 'set', 'plain', 'up');
  provoke({ pod, device: 'p0' }, 'left', 'right');
  await eventually(() => {
    expect(nodeStack().ipv4).toBeGreaterThan(before.ipv4 ?? 0);
    // The node joins its multicast groups there, aloud.
    expect(watched.incoming.lines.length).toBeGreaterThan(0);
  }, 20_000);
  expect((await seen(watched, pod)).received).not.toEqual([]);
  run('ip', 'link', 'del', 'plain');
});

const tcx = skipUnless(missingTcx() === null, 'tcx needs Linux 6.6');
for (const { datapath, declare } of [
  { datapath: 'clsact', declare: describe },
  { datapath: 'tcx', declare: tcx.describe },
  { datapath: 'xdp', declare: describe },
] as const)
  declare(datapath, () => {
    test('from creation to removal nothing of the node is in a pod and nothing of a pod in the node', async () => {
      const names = { left: pods.make(`l-${datapath}`), right: pods.make(`r-${datapath}`) };
      const watched = { left: await watch(names.left), right: await watch(names.right) };
      const up = await Capture.start({ pod: null, device: uplink }, { outgoing: true });
      const before = nodeStack();
      const item = await agent.wires.add(spec(names, datapath));
      for (const side of ['left', 'right'] as const)
        run('ip', '-n', names[side], 'route', 'add', 'default', 'dev', item[side].name);

      pings(names.left, '10.0.0.2');
      pings(names.right, 'fd00::1');
      provoke({ pod: names.left, device: item.left.name }, 'left', 'right');
      provoke({ pod: names.right, device: item.right.name }, 'right', 'left');
      unanswered(names.left, '10.9.0.1');
      unanswered(names.right, '10.9.0.1');

      // The last frames: a flood that removal runs into, and what comes after it.
      const frame = ethernet(UPLINK_MAC, macs.left, 0x0800, Buffer.alloc(60, 0x45));
      const floods = ['left', 'right'].map((side) =>
        pods.spawn(
          names[side as 'left' | 'right'],
          'ping',
          '-q',
          '-f',
          '-c',
          '100000',
          side === 'left' ? '10.0.0.2' : '10.0.0.1',
        ),
      );
      await eventually(() => {
        const counters = node.wire(item.id)?.counters;
        expect(counters?.leftToRight.packets).toBeGreaterThan(1000n);
      }, 20_000);
      await agent.wires.remove({ id: item.id });
      expect(() => sendFrames({ pod: names.left, device: item.left.name }, [frame])).toThrow(
        'Finding device',
      );
      for (const flood of floods) flood.kill('SIGKILL');

      const left = await seen(watched.left, names.left);
      const right = await seen(watched.right, names.right);
      expect(left.received.length).toBeGreaterThan(1000);
      expect(without(left.received, right.sent)).toEqual([]);
      expect(without(right.received, left.sent)).toEqual([]);

      expect(nodeStack()).toEqual(before);
      const strangers = Object.values(macs).map((mac) => mac.replaceAll(':', ''));
      const leaked = (await drained(up, { pod: null, device: uplink })).filter((line) =>
        strangers.some((mac) => line.slice(0, 24).includes(mac)),
      );
      expect(leaked).toEqual([]);
      expect(run('ip', 'neigh', 'show')).not.toContain('10.0.0.');
    });
  });

function spec(names: { left: string; right: string }, datapath: Datapath): ReturnType<typeof wireSpec> {
  return wireSpec(
    { ...end(names.left, '10.0.0.1/24', 'fd00::1/64'), mac: macs.left },
    { ...end(names.right, '10.0.0.2/24', 'fd00::2/64'), mac: macs.right },
    { datapath, acceptNoOffload: datapath === 'xdp' },
  );
}

failOnLeakedFds();
