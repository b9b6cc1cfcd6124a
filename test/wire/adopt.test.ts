// What the next agent makes of what it finds, one test per row of the table:
//
//   kernel                     file       then
//   agrees                     open       adopt, nothing changes
//   both ends exist            opening    finish
//   part exists                opening    undo
//   ours, forwarding           none       orphan, forwards for a grace
//   nothing                    open       recreate if the namespaces live, else drop
//   anything                   closing    finish the removal
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WireItem } from '../../src/features/wire/api.ts';
import type { WireRecord } from '../../src/state/wire-record.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { editRecord, identityOf } from './identity.ts';
import { links, nothing } from './inventory.ts';
import { hasTcx, otherDatapath } from './kernel.ts';
import { end, Node, wireSpec } from './node.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
const { inventory } = node;
const spec = wireSpec(end(a, '10.0.0.1/24'), end(b, '10.0.0.2/24'));
let wire: WireItem;

beforeEach(async () => {
  const agent = await node.restart();
  wire = await agent.wires.add(spec);
  node.events.length = 0;
});
afterEach(async () => {
  const agent = await node.restart();
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
const intend = (intent: WireRecord['intent']): void => {
  editRecord(inventory, wire.id, (record) => {
    record.intent = intent;
  });
};
const states = (): (string | undefined)[] => [node.wire(wire.id)?.state];

describe('an open wire', () => {
  test('that the kernel agrees with keeps its links, programs, maps and devices', async () => {
    const agent = await node.restart();
    const more = await Promise.all(
      ([otherDatapath, 'xdp'] as const).map((datapath) =>
        agent.wires.add(wireSpec(end(a), end(b), { datapath, acceptNoOffload: true })),
      ),
    );
    const before = identityOf(inventory, [wire, ...more]);
    const held = inventory.held();
    await node.restart();
    expect(identityOf(inventory, [wire, ...more])).toEqual(before);
    expect(inventory.held()).toEqual(held);
    expect([wire, ...more].map(({ id }) => node.wire(id))).toEqual(
      [wire, ...more].map((each) => expect.objectContaining({ state: 'open', since: each.since })),
    );
    expect(Object.keys(before.pinned).filter((name) => name.startsWith('links/w'))).toHaveLength(
      hasTcx ? 6 : 8,
    );
    ping();
  });

  test('of which one device is missing is made again, with its names, MACs and addresses', async () => {
    await node.stop();
    run('ip', 'link', 'del', wire.left.host.name);
    await node.start();
    const again = node.wire(wire.id);
    expect(again).toMatchObject({ state: 'open', connection: wire.connection, since: wire.since });
    expect([again?.left.name, again?.left.mac]).toEqual([wire.left.name, wire.left.mac]);
    expect(inventory.held()).toMatchObject({ hops: 2, counters: 2, watched: 4 });
    ping();
  });

  test('of which nothing is left is made again', async () => {
    await node.stop();
    for (const { host } of [wire.left, wire.right]) run('ip', 'link', 'del', host.name);
    await node.start();
    expect(states()).toEqual(['open']);
    expect(inventory.held()).toMatchObject({ hops: 2, counters: 2, watched: 4 });
    ping();
  });

  test('of which nothing is left is dropped when a namespace has ended', async () => {
    const c = pods.make('c');
    const agent = await node.restart();
    const doomed = await agent.wires.add(wireSpec(end(c), end(b)));
    await node.stop();
    pods.remove(c);
    await eventually(() => {
      expect(links().some((l) => l.ifname === doomed.left.host.name)).toBe(false);
    });
    await node.start();
    expect(node.wire(doomed.id)).toBeUndefined();
    expect(links(b).map((l) => l.ifname)).toEqual(['lo', 'vwire0']);
    expect(inventory.held().files).toEqual([`${wire.id}.json`]);
  });

  test('is left to a namespace that another one has the name of by now: it is dropped', async () => {
    const c = pods.make('c');
    const agent = await node.restart();
    const doomed = await agent.wires.add(wireSpec(end(c), end(b)));
    await node.stop();
    run('ip', 'netns', 'del', c);
    run('ip', 'netns', 'add', c);
    await eventually(() => {
      expect(links().some((l) => l.ifname === doomed.left.host.name)).toBe(false);
    });
    await node.start();
    expect(node.wire(doomed.id)).toBeUndefined();
    expect(links(c).map((l) => l.ifname)).toEqual(['lo']);
  });
});

describe('a wire that was being opened', () => {
  test('and has both its sides is finished', async () => {
    await node.stop();
    intend('opening');
    // As after creation: down, without addresses, entries and programs.
    run('ip', '-n', a, 'addr', 'flush', 'dev', 'vwire0');
    for (const [pod, { host }] of [[a, wire.left] as const, [b, wire.right] as const]) {
      run('ip', '-n', pod, 'link', 'set', 'vwire0', 'down');
      run('ip', 'link', 'set', host.name, 'down', 'alias', '');
      run('tc', 'qdisc', 'del', 'dev', host.name, 'clsact');
    }
    for (const map of ['hops', 'counters', 'watched'])
      for (const { key } of inventory.entries(map))
        run(
          'bpftool',
          'map',
          'delete',
          'pinned',
          join(inventory.pins, 'maps', map),
          'key',
          ...(key as string[]),
        );
    await node.start();
    expect(states()).toEqual(['open']);
    expect(inventory.held()).toMatchObject({ hops: 2, counters: 2, watched: 4 });
    ping();
  });

  test('and has one side only is undone', async () => {
    await node.stop();
    intend('opening');
    run('ip', 'link', 'del', wire.right.host.name);
    await node.start();
    expect(states()).toEqual([undefined]);
    expect(inventory.held()).toEqual(nothing);
    expect(links(a).map((l) => l.ifname)).toEqual(['lo']);
  });
});

describe('a wire that was being removed', () => {
  test('is removed for good, however much is left of it', async () => {
    await node.stop();
    intend('closing');
    await node.start();
    expect(inventory.held()).toEqual(nothing);
    expect([...links(a), ...links(b)].map((l) => l.ifname)).toEqual(['lo', 'lo']);
  });

  test('and has nothing left but its file is forgotten', async () => {
    await node.stop();
    intend('closing');
    for (const { host } of [wire.left, wire.right]) run('ip', 'link', 'del', host.name);
    await node.start();
    expect(inventory.held()).toEqual(nothing);
  });
});

describe('a wire without a file', () => {
  const file = (): string => join(inventory.stateDirectory, `${wire.id}.json`);

  test('is an orphan, forwards for a grace, and goes', async () => {
    await node.stop();
    rmSync(file());
    await node.start({ orphanGraceMs: 1500 });
    expect(node.wire(wire.id)).toMatchObject({ state: 'orphan', connection: `orphan-${wire.id}` });
    expect(node.warnings.join()).toContain(`No state file speaks of wire ${wire.id}`);
    ping();
    await eventually(() => {
      expect(inventory.held()).toEqual(nothing);
    });
    expect(node.events.map(({ type, detail }) => `${type}: ${detail}`)).toEqual([
      'removed: nobody asked for it',
    ]);
  });

  test('can be removed before that', async () => {
    await node.stop();
    rmSync(file());
    const agent = await node.start();
    await agent.wires.remove({ connection: `orphan-${wire.id}` });
    expect(inventory.held()).toEqual(nothing);
  });

  test('makes way for who asks for its interface again, and for nobody else', async () => {
    await node.stop();
    rmSync(file());
    const agent = await node.start();
    const beside = await agent.wires.add(wireSpec(end(a), end(b)));
    expect(states()).toEqual(['orphan']);
    await agent.wires.remove({ id: beside.id });
    const left = { ...end(a, '10.0.0.1/24'), name: wire.left.name };
    const again = await agent.wires.add(wireSpec(left, end(b, '10.0.0.2/24')));
    expect(agent.wires.list().map(({ id }) => id)).toEqual([again.id]);
    expect(again.left.name).toBe(wire.left.name);
    expect(node.events.map(({ type, detail }) => `${type}: ${detail}`)).toContain(
      `removed: its interface '${wire.left.name}' in 'name:${a}' is asked for again`,
    );
    ping();
    await agent.wires.remove({ id: again.id });
    expect(inventory.held()).toEqual(nothing);
  });

  test('or with one that nobody can read, which is left alone and reported, goes on', async () => {
    const agent = await node.restart();
    const other = await agent.wires.add(wireSpec(end(a), end(b)));
    await node.stop();
    writeFileSync(file(), '{"schema":1,');
    rmSync(join(inventory.stateDirectory, `${other.id}.json`));
    await node.start({ orphanGraceMs: 0 });
    expect(node.warnings.join()).toMatch(/State file cannot be read and is left alone, as is its wire/);
    await eventually(() => {
      expect(node.wire(other.id)).toBeUndefined();
    });
    expect(inventory.held().files).toEqual([`${wire.id}.json`]);
    expect(states()).toEqual(['orphan']);
    ping();
    await node.stop();
    rmSync(file());
  });
});
