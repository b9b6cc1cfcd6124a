// Many wires come and go, and what they are deleted by hits nobody else:
//
//   add, remove, add, remove ...          group N: | our device | our device |
//   devices, pins, entries, files, fds             | a stranger with the same number |
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { DatapathChoice } from '../../src/features/wire/api.ts';
import { Reaper } from '../../src/features/wire/reaper.ts';
import { NetlinkSocket } from '../../src/net/socket.ts';
import { failOnLeakedFds, openFds } from '../fds.ts';
import { Pods, run } from '../pods.ts';
import { pinnedIds } from './identity.ts';
import { link, links, nothing } from './inventory.ts';
import { hasTcx } from './kernel.ts';
import { end, Node, wireSpec } from './node.ts';
import { repetitions } from './repeat.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
let agent: Agent;

beforeAll(async () => {
  agent = await node.start();
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

const kinds: DatapathChoice[] = hasTcx ? ['auto', 'tcx', 'clsact', 'xdp'] : ['auto', 'clsact', 'xdp'];
const addAll = () =>
  Promise.all(
    kinds.map((datapath, i) =>
      agent.wires.add(
        wireSpec(end(a, `10.0.${i}.1/24`, 'fd00::1/64'), end(b, `10.0.${i}.2/24`), {
          datapath,
          acceptNoOffload: true,
        }),
      ),
    ),
  );

/** Everything that could grow. */
const grown = () => ({
  held: node.inventory.held(),
  pinned: pinnedIds(node.inventory),
  fds: openFds().size,
  pods: [a, b].map((pod) => links(pod).map((l) => l.ifname)),
});

describe('wires that come and go', () => {
  test('leave devices, pins, entries, files and descriptors as they were', async () => {
    // What is loaded when it is first asked for stays.
    for (const { id } of await addAll()) await agent.wires.remove({ id });
    const before = grown();
    expect(before.held).toEqual(nothing);
    for (let i = 0; i < repetitions(10); i++) {
      const wires = await addAll();
      await Promise.all(wires.map(({ id }) => agent.wires.remove({ id })));
      expect(grown()).toEqual(before);
    }
  }, 600_000);

  test('with agents that come and go as well', async () => {
    for (const { id } of await addAll()) await agent.wires.remove({ id });
    const before = grown();
    for (let i = 0; i < repetitions(3); i++) {
      const wires = await addAll();
      agent = await node.restart();
      expect(agent.wires.list().map(({ state }) => state)).toEqual(wires.map(() => 'open'));
      await Promise.all(wires.map(({ id }) => agent.wires.remove({ id })));
      agent = await node.restart();
    }
    expect(grown()).toMatchObject({ held: before.held, pinned: before.pinned, pods: before.pods });
  }, 600_000);

  test('without a pod that went first', async () => {
    const before = node.inventory.held();
    for (let i = 0; i < repetitions(3); i++) {
      const c = pods.make(`c${i}`);
      const { id } = await agent.wires.add(wireSpec(end(a), end(c)));
      pods.remove(c);
      await agent.wires.remove({ id }).catch(() => undefined);
    }
    expect(node.inventory.held()).toEqual(before);
  }, 600_000);
});

describe('deleting in groups', () => {
  const made: string[] = [];
  let host: NetlinkSocket;
  const veth = (name: string, alias: string, group = 0): number => {
    run('ip', 'link', 'add', name, 'group', String(group), 'type', 'veth', 'peer', 'name', `${name}p`);
    if (alias !== '') run('ip', 'link', 'set', name, 'alias', alias);
    made.push(name);
    return link(null, name).ifindex;
  };
  const ours = (wire: number): string => `vwire:${node.instance}:${wire}:left`;
  const exists = (name: string): boolean => links().some((l) => l.ifname === name);

  beforeAll(() => {
    host = NetlinkSocket.open();
  });
  afterEach(() => {
    for (const name of made.splice(0)) if (exists(name)) run('ip', 'link', 'del', name);
  });
  afterAll(() => {
    host.close();
  });

  test('takes several at once and says when they are gone', async () => {
    const reaper = new Reaper(host, node.instance);
    const indexes = [1, 2, 3].map((n) => veth(`lk${n}`, ours(n)));
    await Promise.all(indexes.map((ifindex) => reaper.delete([ifindex], () => undefined)));
    expect(made.map(exists)).toEqual([false, false, false]);
    await reaper.delete(indexes, () => undefined);
  });

  test('takes another number when a stranger has this one', async () => {
    veth('lkstranger', '', 4242);
    const groups = [4242, 4242, 4243];
    const reaper = new Reaper(host, node.instance, () => groups.shift() ?? 0);
    await reaper.delete([veth('lk4', ours(4))], () => undefined);
    expect([exists('lk4'), exists('lkstranger')]).toEqual([false, true]);
    expect(link(null, 'lkstranger').group).toBe('4242');
  });

  test('deletes nothing when a stranger is always there, and says who', async () => {
    veth('lkstranger', 'vwire:somebody-else:5:left', 4242);
    const reaper = new Reaper(host, node.instance, () => 4242);
    const asked = reaper.delete([veth('lk5', ours(5))], () => undefined);
    await expect(asked).rejects.toThrow("in group 4242 there is 'lkstranger', which is not ours");
    expect([exists('lk5'), exists('lkstranger')]).toEqual([true, true]);
  });

  test.each([
    ['no mark', ''],
    ["another instance's mark", 'vwire:somebody-else:6:left'],
  ])('never touches a device with %s, whatever number it has', async (_, alias) => {
    const reaper = new Reaper(host, node.instance);
    const stranger = veth('lk6', alias, 7);
    await reaper.delete([stranger, veth('lk7', ours(7))], () => undefined);
    expect([exists('lk6'), exists('lk7')]).toEqual([true, false]);
    expect(link(null, 'lk6').group).toBe('7');
  });

  test('goes on with the others when one is held back', async () => {
    const reaper = new Reaper(host, node.instance);
    const [one, two] = [veth('lk8', ours(8)), veth('lk9', ours(9))];
    const asked = await Promise.allSettled([
      reaper.delete([one], () => {
        throw new Error('not this one');
      }),
      reaper.delete([two], () => undefined),
    ]);
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect([exists('lk8'), exists('lk9')]).toEqual([true, false]);
  });
});
