// Who is made to forward, and why xdp between pods has to be asked for twice:
//
//   pod a                                        pod b
//   +--------+   clsact | tcx | xdp   +--------+
//   | vwire0 |========= hops =========| vwire0 |
//   +--------+                        +--------+
//    checksums left to a device         checksums found wrong, but for tx off
//    that does not exist
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { DatapathChoice, WireItem } from '../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../fds.ts';
import { Pods, run } from '../pods.ts';
import { attached, nothing } from './inventory.ts';
import { onTcx } from './kernel.ts';
import { change, end, Node, wireSpec } from './node.ts';
import { Datagrams, Stream } from './traffic.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
const left = { pod: a, address: '10.0.0.1' };
const right = { pod: b, address: '10.0.0.2' };
let agent: Agent;

beforeAll(async () => {
  agent = await node.start();
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

const add = (datapath: DatapathChoice): Promise<WireItem> =>
  agent.wires.add(
    wireSpec(end(a, '10.0.0.1/24'), end(b, '10.0.0.2/24'), { datapath, acceptNoOffload: datapath === 'xdp' }),
  );

async function carriesEverything(): Promise<void> {
  const datagrams = await Datagrams.start(pods, left, right, 20_000);
  const stream = await Stream.start(pods, left, right, { mbytes: 20 });
  const [given, taken] = await stream.result();
  expect(taken).toMatchObject({ hash: given.hash, bytes: given.bytes, complete: true });
  for (const side of await datagrams.stop())
    expect(side).toMatchObject({ peer: true, lost: 0, rcvbufErrors: 0 });
}

describe('a wire', () => {
  test('takes clsact by itself, since its devices have no other owner', async () => {
    const wire = await add('auto');
    expect(wire.hops.map(({ datapath, reason }) => `${datapath}: ${reason}`)).toEqual([
      expect.stringMatching(/^clsact: a device of ours has no other owner/),
      expect.stringMatching(/^clsact: a device of ours has no other owner/),
    ]);
    expect([wire.left, wire.right].map(({ host }) => attached(host.name))).toEqual(['clsact', 'clsact']);
    expect(node.inventory.held().links).toEqual([]);
    await carriesEverything();
  }, 30_000);

  onTcx.test(
    'takes tcx when it is told to',
    async () => {
      const wire = await add('tcx');
      expect(wire.hops.map(({ datapath, reason }) => `${datapath}: ${reason}`)).toEqual([
        'tcx: asked for',
        'tcx: asked for',
      ]);
      expect([wire.left, wire.right].map(({ host }) => attached(host.name))).toEqual(['tcx', 'tcx']);
      expect(node.inventory.held().links).toEqual([`w${wire.id}-left-tcx`, `w${wire.id}-right-tcx`]);
      await carriesEverything();
    },
    30_000,
  );

  test('takes clsact when it is told to, and says so', async () => {
    const wire = await add('clsact');
    expect(wire.hops.map(({ reason }) => reason)).toEqual(['asked for', 'asked for']);
    await carriesEverything();
  }, 30_000);
});

describe('xdp between pods', () => {
  const offload = (pod: string, state: 'on' | 'off'): string =>
    run('ip', 'netns', 'exec', pod, 'ethtool', '-K', 'vwire0', 'tx', state);

  test('breaks TCP until transmit offload is switched off in both pods', async () => {
    const wire = await add('xdp');
    expect([wire.left, wire.right].map(({ host }) => attached(host.name))).toEqual(['xdp', 'xdp']);
    // ICMP computes its own checksums: to ping, all is well.
    expect(pods.exec(a, 'ping', '-n', '-c', '1', '10.0.0.2')).toContain('1 received');
    const broken = Stream.start(pods, left, right, { mbytes: 1, seconds: 2 });
    await expect(broken.then((stream) => stream.result())).rejects.toThrow(/tcp-hash .* failed/);
    offload(a, 'off');
    const half = Stream.start(pods, left, right, { mbytes: 1, seconds: 2, port: 5003 });
    await expect(half.then((stream) => stream.result())).rejects.toThrow(/tcp-hash .* failed/);
    offload(b, 'off');
    await carriesEverything();
  }, 60_000);

  test('leaves no program in the pods', async () => {
    const wire = await add('xdp');
    for (const pod of [a, b]) expect(run('ip', '-n', pod, '-d', 'link')).toContain('prog/xdp');
    await agent.wires.update({ id: wire.id }, change({ datapath: 'auto' }));
    for (const pod of [a, b]) expect(run('ip', '-n', pod, '-d', 'link')).not.toContain('prog/xdp');
    expect(node.inventory.held().links).toEqual([]);
  });
});
