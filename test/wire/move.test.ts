// Long because all that can become of a move is told with the same three pods.
// Putting one side of a wire elsewhere, while the other one stays:
//
//   pod client                 agent's namespace                pod old        pod fresh
//   nsm-1  10.0.0.1/24  ====   vw...l        vw...r   ======    10.0.0.2   ->  10.0.0.2
//   same ifindex, same MAC at the far end
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { DatapathChoice, SideSpec, WireItem, WireOwner } from '../../src/features/wire/api.ts';
import { explainWire } from '../../src/features/wire/explain.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { failureOf } from './failure.ts';
import { attached, link, links, nothing } from './inventory.ts';
import { Keeper } from './keeper.ts';
import { onTcx } from './kernel.ts';
import { bpffs, change, end, Node, wireSpec } from './node.ts';

jest.setTimeout(60_000);

const pods = new Pods();
const node = new Node();
let made = 0;
let client: string;
let old: string;
let fresh: string;

beforeEach(() => {
  made += 1;
  [client, old, fresh] = ['client', 'old', 'fresh'].map((label) => pods.make(`${label}${made}`)) as [
    string,
    string,
    string,
  ];
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

const left = (): SideSpec => ({
  ...end(client, '10.0.0.1/24', 'fd00::1/64'),
  name: 'nsm-1',
  policies: [{ from: null, ipProto: '6', sport: null, dport: '80', routes: [] }],
});
const right = (pod: string): SideSpec => ({ ...end(pod, '10.0.0.2/24', 'fd00::2/64'), name: 'nsm-2' });
const it = { connection: 'it' };
const spec = (owner: WireOwner = 'connection', datapath: DatapathChoice = 'auto') =>
  wireSpec(left(), right(old), { ...it, owner, datapath, acceptNoOffload: true });
const pings = (address: string): void => {
  expect(pods.exec(client, 'ping', '-n', '-c', '1', '-W', '3', address)).toContain('1 received');
};
const names = (pod: string): string[] => links(pod).map(({ ifname }) => ifname);

describe('a side that is moved', () => {
  let agent: Agent;
  let wire: WireItem;

  beforeAll(async () => {
    agent = await node.start();
  });
  beforeEach(async () => {
    wire = await agent.wires.add(spec());
    pings('10.0.0.2');
    node.events.length = 0;
  });
  afterEach(async () => {
    await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
    expect(node.inventory.held()).toEqual(nothing);
    expect(names(client)).toEqual(['lo']);
    expect(run('ip', '-n', client, 'rule')).not.toContain('dport 80');
  });

  const whole = (moved: WireItem, pod: string): void => {
    expect(moved).toMatchObject({
      id: wire.id,
      state: 'open',
      since: wire.since,
      left: wire.left,
      right: { netns: `name:${pod}`, name: 'nsm-2', host: { name: wire.right.host.name } },
      hops: [{ action: 'peer' }, { action: 'peer' }],
    });
    expect(link(client, 'nsm-1').ifindex).toBe(wire.left.ifindex);
    expect(link(null, wire.left.host.name).address).toBe(link(pod, 'nsm-2').address);
    expect(node.inventory.held()).toMatchObject({ hops: 2, counters: 2, watched: 4 });
    for (const address of ['10.0.0.2', 'fd00::2']) pings(address);
  };

  test('is gone where it was, has what it had where it is, and the other one did not notice', async () => {
    const before = node.wire(wire.id)?.counters.leftToRight.packets ?? 0n;
    const moved = await agent.wires.moveSide(it, 'right', right(fresh));
    whole(moved, fresh);
    expect(moved.right.mac).toBe(wire.right.mac);
    expect(names(old)).toEqual(['lo']);
    expect(node.wire(wire.id)?.counters.leftToRight.packets).toBeGreaterThan(before);
    expect(node.events.map(({ type, detail }) => `${type}: ${detail}`)).toEqual([
      `updated: its right side is 'nsm-2' in 'name:${fresh}' now`,
    ]);
  });

  test('and moved again, and back, is where it was last', async () => {
    for (const pod of [fresh, old, fresh]) whole(await agent.wires.moveSide(it, 'right', right(pod)), pod);
    expect(names(old)).toEqual(['lo']);
  });

  test('within its pod has another name there', async () => {
    const moved = await agent.wires.moveSide(it, 'right', { ...right(old), name: 'nsm-3' });
    expect(moved.right.name).toBe('nsm-3');
    expect(names(old)).toEqual(['lo', 'nsm-3']);
    pings('10.0.0.2');
  });

  test('with another MAC is known by that at the other side', async () => {
    const mac = '02:00:00:00:00:77';
    const moved = await agent.wires.moveSide(it, 'right', { ...right(fresh), mac });
    expect(moved.right.mac).toBe(mac);
    run('ip', '-n', client, 'neigh', 'flush', 'dev', 'nsm-1');
    whole(moved, fresh);
  });

  test('is followed where it is', async () => {
    await agent.wires.moveSide(it, 'right', right(fresh));
    run('ip', '-n', fresh, 'link', 'set', 'nsm-2', 'down');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('down');
    });
    run('ip', '-n', fresh, 'link', 'set', 'nsm-2', 'up');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('open');
    });
  });

  test('while the other one is down, is joined when that is up', async () => {
    run('ip', '-n', client, 'link', 'set', 'nsm-1', 'down');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('down');
    });
    const moved = await agent.wires.moveSide(it, 'right', right(fresh));
    expect(moved).toMatchObject({ state: 'down', hops: [{ action: 'peer' }, { action: 'drop: port_down' }] });
    run('ip', '-n', client, 'link', 'set', 'nsm-1', 'up');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('open');
    });
    run('ip', '-n', client, 'addr', 'replace', '10.0.0.1/24', 'dev', 'nsm-1');
    pings('10.0.0.2');
  });

  test('may be the left one', async () => {
    const moved = await agent.wires.moveSide(it, 'left', { ...left(), ...{ netns: `name:${fresh}` } });
    expect(moved.right).toMatchObject({ ifindex: wire.right.ifindex, host: wire.right.host });
    expect(names(client)).toEqual(['lo']);
    expect(run('ip', '-n', client, 'rule')).not.toContain('dport 80');
    expect(pods.exec(fresh, 'ping', '-n', '-c', '1', '-W', '3', '10.0.0.2')).toContain('1 received');
  });
});

describe('by every datapath', () => {
  const moves = async (datapath: DatapathChoice): Promise<void> => {
    const agent = await node.restart();
    const wire = await agent.wires.add(spec('connection', datapath));
    await agent.wires.moveSide(it, 'right', right(fresh));
    for (const { host } of [wire.left, wire.right]) expect(attached(host.name)).toBe(datapath);
    if (datapath === 'xdp')
      for (const [pod, name] of [
        [client, 'nsm-1'],
        [fresh, 'nsm-2'],
      ] as const)
        run('ip', 'netns', 'exec', pod, 'ethtool', '-K', name, 'tx', 'off');
    pings('10.0.0.2');
    await agent.wires.remove(it);
    expect(node.inventory.held()).toEqual(nothing);
  };
  test('clsact', () => moves('clsact'));
  test('xdp', () => moves('xdp'));
  onTcx.test('tcx', () => moves('tcx'));
});

describe('a connection whose endpoint is gone with its namespace', () => {
  let agent: Agent;
  let wire: WireItem;

  beforeEach(async () => {
    agent = await node.restart();
    wire = await agent.wires.add(spec());
    node.events.length = 0;
    pods.remove(old);
    await eventually(() => {
      expect(node.events.map(({ type }) => type)).toEqual(['port_lost']);
    });
  });
  afterEach(async () => {
    await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
    expect(node.inventory.held()).toEqual(nothing);
    expect(names(client)).toEqual(['lo']);
  });

  test('keeps the interface of its client, and says that it is down', () => {
    expect(node.events[0]?.detail).toBe('the namespace of its right port ended');
    expect(node.wire(wire.id)).toMatchObject({
      state: 'down',
      left: wire.left,
      right: { ifindex: 0, host: { ifindex: 0 } },
      hops: [{ action: 'drop: port_down' }, { action: 'missing' }],
    });
    expect(run('ip', '-n', client, '-br', 'addr', 'show', 'nsm-1')).toContain('10.0.0.1/24');
    expect(node.inventory.held()).toMatchObject({ hops: 1, devices: [wire.left.host.name] });
    const paths = { instance: node.instance, bpffs, runDir: node.runDir };
    const told = explainWire(paths, { id: wire.id }).steps.map(({ title, ok }) => `${String(ok)} ${title}`);
    expect(told).toContain(`false right pod 'name:${old}'`);
    expect(told).toContain(`true left host end '${wire.left.host.name}', ifindex ${wire.left.host.ifindex}`);
  });

  test('has the same one when another endpoint takes over', async () => {
    await agent.wires.moveSide(it, 'right', right(fresh));
    expect(link(client, 'nsm-1').ifindex).toBe(wire.left.ifindex);
    expect(node.wire(wire.id)).toMatchObject({ state: 'open', left: wire.left });
    for (const address of ['10.0.0.2', 'fd00::2']) pings(address);
  });

  test('takes no other change', async () => {
    const failure = await failureOf(agent.wires.update(it, change({ mtu: 1400 })));
    expect(failure.message).toBe(`Wire ${wire.id}: a namespace of it has ended`);
  });

  test('goes when the client goes, too', async () => {
    pods.remove(client);
    await eventually(() => {
      expect(node.wire(wire.id)).toBeUndefined();
    });
    client = pods.make(`again${made}`);
  });

  test('cannot have its client moved, since there would be nothing left', async () => {
    const failure = await failureOf(agent.wires.moveSide(it, 'left', { ...left(), netns: `name:${fresh}` }));
    expect(failure).toMatchObject({ code: 'refused' });
    expect(failure.message).toBe(`Wire ${wire.id}: the namespace of its right side has ended`);
    expect(node.wire(wire.id)?.state).toBe('down');
  });
});

describe('a move that cannot be', () => {
  let agent: Agent;
  let wire: WireItem;

  beforeEach(async () => {
    agent = await node.restart();
    wire = await agent.wires.add(spec());
  });
  afterEach(async () => {
    await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
    expect(node.inventory.held()).toEqual(nothing);
    expect(names(fresh)).toEqual(['lo']);
  });

  test.each<[string, () => Partial<SideSpec>, string]>([
    ['to a namespace nobody knows', () => ({ netns: 'name:nosuch' }), 'right.netns'],
    ['under a name that is taken', () => ({ name: 'lo' }), 'right.name'],
    ['to the MAC of the other side', () => ({ mac: wire.left.mac }), 'right.mac'],
    ['with an address that is none', () => ({ addresses: ['x'] }), 'right.addresses[0]'],
  ])('%s is refused, and nothing has changed', async (_, more, field) => {
    const failure = await failureOf(agent.wires.moveSide(it, 'right', { ...right(fresh), ...more() }));
    expect(failure.field).toBe(field);
    expect(node.wire(wire.id)).toMatchObject({ state: 'open', left: wire.left, right: wire.right });
    pings('10.0.0.2');
  });

  test('since the kernel refuses it leaves the wire with its other side, to be moved again', async () => {
    const bad = { ...right(fresh), mac: '02:00:00:00:00:88', addresses: ['10.0.0.2/24', '::/128'] };
    const failure = await failureOf(agent.wires.moveSide(it, 'right', bad));
    expect(failure).toMatchObject({ code: 'refused', field: 'right.addresses[1]' });
    expect(node.wire(wire.id)).toMatchObject({
      state: 'down',
      left: wire.left,
      right: { netns: `name:${old}`, ifindex: 0, mac: wire.right.mac },
    });
    expect(names(fresh)).toEqual(['lo']);
    expect(link(null, wire.left.host.name).address).toBe(wire.right.mac);
    await agent.wires.moveSide(it, 'right', right(fresh));
    pings('10.0.0.2');
    await agent.wires.remove(it);
  });

  test('of a wire nobody knows', async () => {
    const asked = agent.wires.moveSide({ connection: 'nosuch' }, 'right', right(fresh));
    expect((await failureOf(asked)).code).toBe('not_found');
  });
});

describe('an agent that ends', () => {
  let keeper: Keeper | null;
  beforeEach(async () => {
    await node.stop();
    keeper = null;
  });
  afterEach(async () => {
    if (keeper !== null) {
      for (const { id } of await keeper.list()) await keeper.remove({ id });
      await keeper.end();
    }
    expect(node.inventory.held()).toEqual(nothing);
    expect([client, fresh].flatMap(names)).toEqual(['lo', 'lo']);
  });
  const dies = async (point: string): Promise<WireItem> => {
    const dying = await Keeper.start(node, `${point}:kill`);
    const wire = await dying.add(spec('wire'));
    await expect(dying.moveSide(it, 'right', right(fresh))).rejects.toThrow('The agent is gone');
    expect(await dying.end()).toBe('SIGKILL');
    return wire;
  };

  test.each(['leaving', 'left', 'remade', 'moved'])(
    "at '%s' of a move has it finished by the next one",
    async (point) => {
      const wire = await dies(point);
      keeper = await Keeper.start(node);
      expect(await keeper.list()).toMatchObject([
        { state: 'open', left: wire.left, right: { netns: `name:${fresh}`, mac: wire.right.mac } },
      ]);
      expect(names(old)).toEqual(['lo']);
      expect(node.inventory.held()).toMatchObject({ hops: 2, counters: 2, watched: 4 });
      for (const address of ['10.0.0.2', 'fd00::2']) pings(address);
    },
  );

  test.each(['leaving', 'left', 'remade', 'moved'])(
    "at '%s' of a move to a namespace that ends, too, has the other side kept",
    async (point) => {
      const wire = await dies(point);
      pods.remove(fresh);
      keeper = await Keeper.start(node);
      expect(await keeper.list()).toMatchObject([{ state: 'down', left: wire.left, right: { ifindex: 0 } }]);
      expect(names(old)).toEqual(['lo']);
      fresh = pods.make(`again${made}`);
      await keeper.moveSide(it, 'right', right(fresh));
      pings('10.0.0.2');
    },
  );

  test('with a wire of one side has it kept by the next one', async () => {
    const first = await Keeper.start(node, 'left:throw');
    const wire = await first.add(spec('wire'));
    await expect(first.moveSide(it, 'right', right(fresh))).rejects.toThrow("Fault point 'left'");
    expect(await first.list()).toMatchObject([{ state: 'down', left: wire.left, right: { ifindex: 0 } }]);
    await first.end();
    keeper = await Keeper.start(node);
    expect(await keeper.list()).toMatchObject([{ state: 'down', left: wire.left, right: { ifindex: 0 } }]);
    await keeper.moveSide(it, 'right', right(fresh));
    pings('10.0.0.2');
  });

  test.each(['leaving', 'remade', 'moved'])(
    "but fails at '%s' leaves the wire with its other side, or as it was",
    async (point) => {
      keeper = await Keeper.start(node, `${point}:throw`);
      const wire = await keeper.add(spec('wire'));
      await expect(keeper.moveSide(it, 'right', right(fresh))).rejects.toThrow(`Fault point '${point}'`);
      const [found] = await keeper.list();
      expect(found?.left).toEqual(wire.left);
      expect(found?.state).toBe('down');
      expect(names(fresh)).toEqual(['lo']);
    },
  );

  test('in the middle of a move whose other side goes is undone', async () => {
    await dies('remade');
    run('ip', '-n', client, 'link', 'del', 'nsm-1');
    keeper = await Keeper.start(node);
    expect(await keeper.list()).toEqual([]);
  });
});
