// Changing a wire while it is in use:
//
//   pod a  -- 20,000 numbered datagrams a second -->  hops  -->  pod b
//   pod a  <-- 20,000 numbered datagrams a second --  hops  <--  pod b
//                                                      ^
//                                    mtu, tcx <-> clsact <-> xdp
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { DatapathChoice, WireItem } from '../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { failureOf } from './failure.ts';
import { attached, link, nothing } from './inventory.ts';
import { onTcx } from './kernel.ts';
import { change, end, Node, wireSpec } from './node.ts';
import { repetitions } from './repeat.ts';
import { Datagrams } from './traffic.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
const hosts = [
  { pod: a, address: '10.0.0.1' },
  { pod: b, address: '10.0.0.2' },
] as const;
let agent: Agent;
let wire: WireItem;

beforeAll(async () => {
  agent = await node.start();
});
beforeEach(async () => {
  const ends = [end(a, '10.0.0.1/24'), end(b, '10.0.0.2/24')] as const;
  wire = await agent.wires.add(wireSpec(...ends, { acceptNoOffload: true }));
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

const mtus = (): number[] => [
  link(a, 'vwire0').mtu,
  link(null, wire.left.host.name).mtu,
  link(null, wire.right.host.name).mtu,
  link(b, 'vwire0').mtu,
];
const all = (mtu: number): number[] => [mtu, mtu, mtu, mtu];

/** Runs `act` between two seconds of traffic, and says what was lost meanwhile. */
async function lossDuring(act: () => Promise<void>): Promise<number[]> {
  const datagrams = await Datagrams.start(pods, ...hosts, 20_000);
  const received = (): bigint => node.wire(wire.id)?.counters.leftToRight.packets ?? 0n;
  const start = received();
  await eventually(() => {
    expect(received() - start).toBeGreaterThan(1000n);
  });
  try {
    await act();
  } catch (error) {
    await datagrams.stop();
    throw error;
  }
  const after = received();
  await eventually(() => {
    expect(received() - after).toBeGreaterThan(1000n);
  });
  const sides = await datagrams.stop();
  for (const side of sides) expect(side).toMatchObject({ peer: true, rcvbufErrors: 0, duplicates: 0 });
  return sides.map(({ lost }) => lost);
}

describe('a wire in use', () => {
  test('takes another MTU, larger and smaller, and loses nothing', async () => {
    const to = async (mtu: number): Promise<void> => {
      expect((await agent.wires.update({ id: wire.id }, change({ mtu }))).mtu).toBe(mtu);
      expect(mtus()).toEqual(all(mtu));
    };
    const lost = await lossDuring(async () => {
      for (let i = 0; i < repetitions(2); i++) for (const mtu of [9000, 1280, 1500]) await to(mtu);
    });
    expect(lost).toEqual([0, 0]);
  }, 60_000);

  onTcx.test(
    'moves between tcx and clsact and loses nothing',
    async () => {
      const to = async (datapath: DatapathChoice): Promise<void> => {
        const changed = await agent.wires.update({ id: wire.id }, change({ datapath }));
        expect(changed.hops.map((hop) => hop.datapath)).toEqual([datapath, datapath]);
        for (const { host } of [wire.left, wire.right]) expect(attached(host.name)).toBe(datapath);
      };
      const lost = await lossDuring(async () => {
        for (let i = 0; i < repetitions(3); i++) {
          await to('tcx');
          await to('clsact');
        }
      });
      expect(lost).toEqual([0, 0]);
    },
    60_000,
  );

  test('moves to xdp and back and loses nothing, once the pods compute their checksums themselves', async () => {
    for (const pod of [a, b]) run('ip', 'netns', 'exec', pod, 'ethtool', '-K', 'vwire0', 'tx', 'off');
    const lost = await lossDuring(async () => {
      await agent.wires.update({ id: wire.id }, change({ datapath: 'xdp' }));
      expect(attached(wire.left.host.name)).toBe('xdp');
      await agent.wires.update({ id: wire.id }, change({ datapath: 'auto' }));
      expect(attached(wire.left.host.name)).toBe('clsact');
    });
    expect(lost).toEqual([0, 0]);
    for (const pod of [a, b])
      expect(run('ip', '-n', pod, '-d', 'link', 'show', 'vwire0')).not.toContain('xdp');
  }, 60_000);
});

describe('a change that cannot be', () => {
  test('of the MTU is taken back on all four ends', async () => {
    await agent.wires.update({ id: wire.id }, change({ datapath: 'xdp' }));
    const refused = await failureOf(agent.wires.update({ id: wire.id }, change({ mtu: 9000 })));
    expect(refused).toMatchObject({ code: 'refused', field: 'mtu', value: '9000' });
    expect(mtus()).toEqual(all(1500));
    expect(node.wire(wire.id)?.mtu).toBe(1500);
  });

  test('of the datapath leaves the old one', async () => {
    await agent.wires.update({ id: wire.id }, change({ mtu: 9000 }));
    const refused = await failureOf(agent.wires.update({ id: wire.id }, change({ datapath: 'xdp' })));
    expect(refused).toMatchObject({ code: 'refused', field: 'mtu', value: '9000' });
    expect(attached(wire.left.host.name)).toBe('clsact');
    expect(pods.exec(a, 'ping', '-n', '-c', '1', '10.0.0.2')).toContain('1 received');
    expect(node.inventory.held()).toMatchObject({ links: [], hops: 2 });
  });

  test('of both is refused as a whole when one of them is bad', async () => {
    await agent.wires.remove({ id: wire.id });
    const plain = await agent.wires.add(wireSpec(end(a), end(b)));
    const refused = await failureOf(
      agent.wires.update({ id: plain.id }, change({ mtu: 1400, datapath: 'xdp' })),
    );
    expect(refused).toMatchObject({ code: 'refused', field: 'datapath' });
    expect([link(a, 'vwire0').mtu, link(b, 'vwire0').mtu]).toEqual([1500, 1500]);
    const bad = await failureOf(
      agent.wires.update({ id: plain.id }, change({ mtu: 67, datapath: 'clsact' })),
    );
    expect(bad).toMatchObject({ code: 'invalid', field: 'mtu' });
    expect(attached(plain.left.host.name)).toBe('clsact');
  });

  test('names a wire that is not there', async () => {
    const refused = await failureOf(agent.wires.update({ connection: 'nosuch' }, change({ mtu: 1400 })));
    expect(refused).toMatchObject({
      code: 'not_found',
      value: 'nosuch',
      message: "There is no connection 'nosuch'",
    });
  });
});
