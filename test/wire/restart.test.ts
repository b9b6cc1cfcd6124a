// What happens around an agent while it is away, or beside another one:
//
//   pod a <== wire of instance one ==> pod b      one:  agent, killed, started, upgraded
//   pod a <== wire of instance two ==> pod b      two:  agent, which must not notice
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '../../src/agent.ts';
import type { WireItem } from '../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { failureOf } from './failure.ts';
import { identityOf, pinnedIds, programsAt } from './identity.ts';
import { attached, link, links, nothing } from './inventory.ts';
import { otherDatapath } from './kernel.ts';
import { bpffs, end, Node, wireSpec } from './node.ts';
import { Datagrams } from './traffic.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
const { inventory } = node;
const spec = wireSpec(end(a, '10.0.0.1/24'), end(b, '10.0.0.2/24'));
const hosts = [
  { pod: a, address: '10.0.0.1' },
  { pod: b, address: '10.0.0.2' },
] as const;
let agent: Agent;
let wire: WireItem;

beforeEach(async () => {
  agent = await node.start();
  wire = await agent.wires.add(spec);
  node.warnings.length = 0;
});
afterEach(async () => {
  agent = await node.restart();
  await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
  await node.stop();
  expect(inventory.held()).toEqual(nothing);
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

const ping = (from = a, address = '10.0.0.2'): string =>
  pods.exec(from, 'ping', '-n', '-c', '1', '-W', '3', address);
const hostOf = (side: 'left' | 'right'): string => wire[side].host.name;

describe('an agent of another version', () => {
  test('replaces the program of every wire without losing a frame, and forgets the old one', async () => {
    const other = await agent.wires.add(
      wireSpec(end(a, '10.0.1.1/24'), end(b, '10.0.1.2/24'), {
        datapath: otherDatapath,
        acceptNoOffload: true,
      }),
    );
    const before = identityOf(inventory, [wire, other]);
    await node.stop();
    // As if they were of another digest: this version has to load its own.
    const programs = join(inventory.pins, 'programs');
    for (const name of readdirSync(programs))
      renameSync(join(programs, name), join(programs, `${name.slice(0, -4)}0000`));
    const ports = [
      hosts,
      hosts.map(({ pod, address }) => ({ pod, address: address.replace('.0.0.', '.0.1.') })),
    ];
    const traffic = await Promise.all(
      ports.map(([left = hosts[0], right = hosts[1]], i) =>
        Datagrams.start(pods, left, right, 20_000, { port: 4000 + i }),
      ),
    );
    await node.start();
    const sides = await Promise.all(traffic.map((datagrams) => datagrams.stop()));
    for (const side of sides.flat()) expect(side).toMatchObject({ peer: true, lost: 0, rcvbufErrors: 0 });

    const after = identityOf(inventory, [wire, other]);
    expect(after.ifindexes).toEqual(before.ifindexes);
    const own = (ids: Record<string, number>, kind: 'tcx' | 'xdp' = 'tcx'): number | undefined =>
      Object.entries(ids).find(([name]) =>
        name.startsWith(kind === 'xdp' ? 'programs/vwire_xdp_own-' : 'programs/vwire_tc_own-'),
      )?.[1];
    expect(own(after.pinned)).not.toBe(own(before.pinned));
    for (const side of ['left', 'right'] as const) {
      expect(programsAt(hostOf(side))).toEqual({ xdp: [], tcx: [], clsact: [own(after.pinned)] });
      expect(programsAt(other[side].host.name)).toMatchObject({
        [otherDatapath]: [own(after.pinned, otherDatapath)],
      });
      const pin = `links/w${other.id}-${side}-${otherDatapath}`;
      expect(after.pinned[pin]).toBe(before.pinned[pin]);
    }
    expect(Object.keys(after.pinned).filter((name) => name.endsWith('0000'))).toEqual([]);
    const maps = (ids: Record<string, number>) =>
      Object.entries(ids).filter(([name]) => name.startsWith('maps/'));
    expect(maps(after.pinned)).toEqual(maps(before.pinned));
  }, 30_000);
});

describe('what changed while no agent was there', () => {
  test("is an interface's name and MAC: both are taken on", async () => {
    await node.stop();
    run('ip', '-n', a, 'link', 'set', 'vwire0', 'down');
    run('ip', '-n', a, 'link', 'set', 'vwire0', 'name', 'mine', 'address', '02:00:00:00:00:77');
    run('ip', '-n', a, 'link', 'set', 'mine', 'up');
    await node.start();
    expect(node.wire(wire.id)).toMatchObject({
      state: 'open',
      left: { name: 'mine', mac: '02:00:00:00:00:77', ifindex: wire.left.ifindex, host: wire.left.host },
    });
    expect(link(null, hostOf('right')).address).toBe('02:00:00:00:00:77');
    ping();
  });

  test('is the name of a namespace that goes on living: the wire forwards on', async () => {
    const holder = pods.spawn(b, 'sleep', '60');
    const c = pods.make('c');
    const living = pods.spawn(c, 'sleep', '60');
    const other = await agent.wires.add(wireSpec(end(a, '10.0.2.1/24'), end(c, '10.0.2.2/24')));
    const before = identityOf(inventory, [other]);
    await node.stop();
    pods.remove(c);
    await node.start();
    expect(node.wire(other.id)?.state).toBe('open');
    expect(identityOf(inventory, [other]).programs).toEqual(before.programs);
    ping(a, '10.0.2.2');
    living.kill('SIGKILL');
    holder.kill('SIGKILL');
    await eventually(() => {
      expect(node.wire(other.id)).toBeUndefined();
    });
  });

  test('is a port that went down: its hop drops', async () => {
    await node.stop();
    run('ip', '-n', b, 'link', 'set', 'vwire0', 'down');
    await node.start();
    expect(node.wire(wire.id)).toMatchObject({
      state: 'down',
      hops: [{ action: 'drop: port_down' }, { action: 'peer' }],
    });
  });

  test('is the MTU of one end: all four are what was asked for', async () => {
    await node.stop();
    run('ip', 'link', 'set', hostOf('left'), 'mtu', '1400');
    await node.start();
    const ends = [
      link(a, 'vwire0'),
      link(null, hostOf('left')),
      link(null, hostOf('right')),
      link(b, 'vwire0'),
    ];
    expect(ends.map(({ mtu }) => mtu)).toEqual([1500, 1500, 1500, 1500]);
  });

  test('is a program that somebody detached: it is attached again', async () => {
    await node.stop();
    // Its filter is in a block that it shares with other devices.
    const block = /ingress_block (\d+)/.exec(run('tc', 'qdisc', 'show', 'dev', hostOf('left')))?.[1] ?? '';
    run('tc', 'filter', 'del', 'block', block);
    expect(attached(hostOf('left'))).toBe('');
    await node.start();
    expect(attached(hostOf('left'))).toBe('clsact');
    ping();
  });

  test("is the clsact, and there is somebody else's: our filter is on it, beside theirs", async () => {
    await node.stop();
    const host = hostOf('left');
    run('tc', 'qdisc', 'del', 'dev', host, 'clsact');
    run('tc', 'qdisc', 'add', 'dev', host, 'clsact');
    const accept = ['bpf', 'da', 'bytecode', '1,6 0 0 4294967295,'];
    run('tc', 'filter', 'add', 'dev', host, 'egress', 'prio', '3', ...accept);
    await node.start();
    expect(attached(host)).toBe('clsact');
    expect(attached(hostOf('right'))).toBe('clsact');
    ping();
    await node.restart();
    expect(programsAt(host).clsact).toEqual(programsAt(hostOf('right')).clsact);
    expect(run('tc', 'filter', 'show', 'dev', host, 'egress')).toContain('pref 3 bpf');
  });

  test('is all of bpffs: programs and entries are made anew and no id is given twice', async () => {
    await node.stop();
    rmSync(`${bpffs}/vwire/${node.instance}`, { recursive: true });
    agent = await node.start();
    ping();
    expect(inventory.held()).toMatchObject({ hops: 2, counters: 2 });
    expect(programsAt(hostOf('left')).clsact).toEqual([
      Object.entries(pinnedIds(inventory)).find(([name]) => name.startsWith('programs/vwire_tc_own-'))?.[1],
    ]);
    expect((await agent.wires.add(wireSpec(end(a), end(b)))).id).toBeGreaterThan(wire.id);
  });

  test("is a device whose number is a stranger's now: the stranger is left alone, the entry goes", async () => {
    await node.stop();
    const { ifindex } = wire.left.host;
    run('ip', 'link', 'del', hostOf('left'));
    run('ip', 'link', 'add', 'stranger0', 'index', String(ifindex), 'type', 'bridge');
    await node.start();
    const keys = inventory
      .entries('hops')
      .map(({ formatted }) => (formatted?.key as { ifindex: number }).ifindex);
    expect(keys.sort()).toEqual(
      [node.wire(wire.id)?.left.host.ifindex, node.wire(wire.id)?.right.host.ifindex].sort(),
    );
    expect(keys).not.toContain(ifindex);
    expect(inventory.held()).toMatchObject({ hops: 2, counters: 2, watched: 4 });
    ping();
    expect(link(null, 'stranger0')).toMatchObject({ ifindex, group: 'default' });
    run('ip', 'link', 'del', 'stranger0');
  });
});

describe('state that must not be adopted', () => {
  const nodeFile = join(node.runDir, node.instance, 'state', 'node.json');
  test.each([
    ['an earlier boot', { bootId: '00000000-0000-0000-0000-000000000000' }],
    ['another network namespace', { netns: 1 }],
    ['another schema', { schema: 99 }],
  ])('is of %s: it is reported and removed', async (reason, differs) => {
    await node.stop();
    writeFileSync(
      nodeFile,
      JSON.stringify({ ...(JSON.parse(readFileSync(nodeFile, 'utf8')) as object), ...differs }),
    );
    await node.start({ orphanGraceMs: 0 });
    expect(node.warnings.join()).toContain(
      `State is of ${reason}: nothing is adopted, pins and files are removed`,
    );
    await eventually(() => {
      expect(inventory.held()).toEqual(nothing);
    });
  });

  test('cannot be read: the agent says which file, and touches nothing', async () => {
    await node.stop();
    const before = inventory.held();
    const text = readFileSync(nodeFile, 'utf8');
    writeFileSync(nodeFile, '');
    await expect(node.start()).rejects.toThrow(`State file '${nodeFile}' is damaged`);
    expect(inventory.held()).toEqual(before);
    ping();
    writeFileSync(nodeFile, text);
  });
});

describe('two agents', () => {
  test('of one instance: the second is refused and told who the first is', async () => {
    const refused = await failureOf(node.start());
    expect(refused).toMatchObject({ code: 'refused', field: 'instance', value: node.instance });
    expect(refused.message).toBe(`Instance '${node.instance}' has an agent already (pid ${process.pid})`);
    ping();
  });

  test('of two instances do not touch each other', async () => {
    const two = new Node();
    const other = await (await two.start()).wires.add(wireSpec(end(a, '10.0.3.1/24'), end(b, '10.0.3.2/24')));
    const before = identityOf(two.inventory, [other]);
    await node.restart();
    expect(node.wire(wire.id)?.state).toBe('open');
    agent = await node.restart();
    await agent.wires.remove({ id: wire.id });
    expect(identityOf(two.inventory, [other])).toEqual(before);
    ping(a, '10.0.3.2');
    await two.close();
    expect(two.inventory.held()).toEqual(nothing);
    expect(existsSync(inventory.pins)).toBe(true);
    expect(links(a).map((l) => l.ifname)).toEqual(['lo']);
  });
});
