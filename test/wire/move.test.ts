// Putting one side of a wire elsewhere, while the other one stays:
//
//   pod client                 agent's namespace                pod old        pod fresh
//   nsm-1  10.0.0.1/24  ====   vw...l        vw...r   ======    10.0.0.2   ->  10.0.0.2
//   same ifindex, same MAC at the far end
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { DatapathChoice, WireItem } from '../../src/features/wire/api.ts';
import { explainWire } from '../../src/features/wire/explain.ts';
import { eventually, run } from '../pods.ts';
import { failureOf } from './failure.ts';
import { attached, link, nothing } from './inventory.ts';
import { onTcx } from './kernel.ts';
import { it, movePlace, names } from './move-place.ts';
import { bpffs, change } from './node.ts';

jest.setTimeout(60_000);

const place = movePlace();
const { pods, node } = place;

describe('a side that is moved', () => {
  let agent: Agent;
  let wire: WireItem;

  beforeAll(async () => {
    agent = await node.start();
  });
  beforeEach(async () => {
    wire = await agent.wires.add(place.spec());
    place.pings('10.0.0.2');
    node.events.length = 0;
  });
  afterEach(async () => {
    await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
    expect(node.inventory.held()).toEqual(nothing);
    expect(names(place.client)).toEqual(['lo']);
    expect(run('ip', '-n', place.client, 'rule')).not.toContain('dport 80');
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
    expect(link(place.client, 'nsm-1').ifindex).toBe(wire.left.ifindex);
    expect(link(null, wire.left.host.name).address).toBe(link(pod, 'nsm-2').address);
    expect(node.inventory.held()).toMatchObject({ hops: 2, counters: 2, watched: 4 });
    for (const address of ['10.0.0.2', 'fd00::2']) place.pings(address);
  };

  test('is gone where it was, has what it had where it is, and the other one did not notice', async () => {
    const before = node.wire(wire.id)?.counters.leftToRight.packets ?? 0n;
    const moved = await agent.wires.moveSide(it, 'right', place.right(place.fresh));
    whole(moved, place.fresh);
    expect(moved.right.mac).toBe(wire.right.mac);
    expect(names(place.old)).toEqual(['lo']);
    expect(node.wire(wire.id)?.counters.leftToRight.packets).toBeGreaterThan(before);
    expect(node.events.map(({ type, detail }) => `${type}: ${detail}`)).toEqual([
      `updated: its right side is 'nsm-2' in 'name:${place.fresh}' now`,
    ]);
  });

  test('and moved again, and back, is where it was last', async () => {
    for (const pod of [place.fresh, place.old, place.fresh])
      whole(await agent.wires.moveSide(it, 'right', place.right(pod)), pod);
    expect(names(place.old)).toEqual(['lo']);
  });

  test('within its pod has another name there', async () => {
    const moved = await agent.wires.moveSide(it, 'right', { ...place.right(place.old), name: 'nsm-3' });
    expect(moved.right.name).toBe('nsm-3');
    expect(names(place.old)).toEqual(['lo', 'nsm-3']);
    place.pings('10.0.0.2');
  });

  test('within its pod may have the name that it had', async () => {
    const mac = '02:00:00:00:00:77';
    const moved = await agent.wires.moveSide(it, 'right', { ...place.right(place.old), mac });
    expect(moved.right).toMatchObject({ name: 'nsm-2', mac });
    run('ip', '-n', place.client, 'neigh', 'flush', 'dev', 'nsm-1');
    whole(moved, place.old);
  });

  test.each([1400, 9000])('has the other side told what comes along: %d bytes and addresses', async (mtu) => {
    const far = { ...place.left(), addresses: ['10.8.0.1/24', 'fd08::1/64'] };
    const to = { ...place.right(place.fresh), addresses: ['10.8.0.2/24', 'fd08::2/64'] };
    const moved = await agent.wires.moveSide(it, 'right', to, { mtu, far });
    expect(moved).toMatchObject({ state: 'open', mtu, left: { ...wire.left, addresses: far.addresses } });
    for (const [pod, name] of [
      [place.client, 'nsm-1'],
      [place.fresh, 'nsm-2'],
      [null, wire.left.host.name],
      [null, wire.right.host.name],
    ] as const)
      expect(link(pod, name).mtu).toBe(mtu);
    expect(run('ip', '-n', place.client, 'addr')).not.toContain('10.0.0.1');
    for (const address of ['10.8.0.2', 'fd08::2']) place.pings(address);
  });

  test('has an interface of the other side brought up that is told what comes along', async () => {
    run('ip', '-n', place.client, 'link', 'set', 'nsm-1', 'down');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('down');
    });
    const along = { mtu: null, far: place.left() };
    const moved = await agent.wires.moveSide(it, 'right', place.right(place.fresh), along);
    whole(moved, place.fresh);
  });

  test('with another MAC is known by that at the other side', async () => {
    const mac = '02:00:00:00:00:77';
    const moved = await agent.wires.moveSide(it, 'right', { ...place.right(place.fresh), mac });
    expect(moved.right.mac).toBe(mac);
    run('ip', '-n', place.client, 'neigh', 'flush', 'dev', 'nsm-1');
    whole(moved, place.fresh);
  });

  test('is followed where it is', async () => {
    await agent.wires.moveSide(it, 'right', place.right(place.fresh));
    run('ip', '-n', place.fresh, 'link', 'set', 'nsm-2', 'down');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('down');
    });
    run('ip', '-n', place.fresh, 'link', 'set', 'nsm-2', 'up');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('open');
    });
  });

  test('while the other one is down, is joined when that is up', async () => {
    run('ip', '-n', place.client, 'link', 'set', 'nsm-1', 'down');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('down');
    });
    const moved = await agent.wires.moveSide(it, 'right', place.right(place.fresh));
    expect(moved).toMatchObject({ state: 'down', hops: [{ action: 'peer' }, { action: 'drop: port_down' }] });
    run('ip', '-n', place.client, 'link', 'set', 'nsm-1', 'up');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('open');
    });
    run('ip', '-n', place.client, 'addr', 'replace', '10.0.0.1/24', 'dev', 'nsm-1');
    place.pings('10.0.0.2');
  });

  test('may be the left one', async () => {
    const moved = await agent.wires.moveSide(it, 'left', {
      ...place.left(),
      ...{ netns: `name:${place.fresh}` },
    });
    expect(moved.right).toMatchObject({ ifindex: wire.right.ifindex, host: wire.right.host });
    expect(names(place.client)).toEqual(['lo']);
    expect(run('ip', '-n', place.client, 'rule')).not.toContain('dport 80');
    expect(pods.exec(place.fresh, 'ping', '-n', '-c', '1', '-W', '3', '10.0.0.2')).toContain('1 received');
  });
});

describe('by every datapath', () => {
  const moves = async (datapath: DatapathChoice): Promise<void> => {
    const agent = await node.restart();
    const wire = await agent.wires.add(place.spec('connection', datapath));
    await agent.wires.moveSide(it, 'right', place.right(place.fresh));
    for (const { host } of [wire.left, wire.right]) expect(attached(host.name)).toBe(datapath);
    if (datapath === 'xdp')
      for (const [pod, name] of [
        [place.client, 'nsm-1'],
        [place.fresh, 'nsm-2'],
      ] as const)
        run('ip', 'netns', 'exec', pod, 'ethtool', '-K', name, 'tx', 'off');
    place.pings('10.0.0.2');
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
    wire = await agent.wires.add(place.spec());
    node.events.length = 0;
    pods.remove(place.old);
    await eventually(() => {
      expect(node.events.map(({ type }) => type)).toEqual(['port_lost']);
    });
  });
  afterEach(async () => {
    await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
    expect(node.inventory.held()).toEqual(nothing);
    expect(names(place.client)).toEqual(['lo']);
  });

  test('keeps the interface of its client, and says that it is down', () => {
    expect(node.events[0]?.detail).toBe('the namespace of its right port ended');
    expect(node.wire(wire.id)).toMatchObject({
      state: 'down',
      left: wire.left,
      right: { ifindex: 0, host: { ifindex: 0 } },
      hops: [{ action: 'drop: port_down' }, { action: 'missing' }],
    });
    expect(run('ip', '-n', place.client, '-br', 'addr', 'show', 'nsm-1')).toContain('10.0.0.1/24');
    expect(node.inventory.held()).toMatchObject({ hops: 1, devices: [wire.left.host.name] });
    const paths = { instance: node.instance, bpffs, runDir: node.runDir };
    const told = explainWire(paths, { id: wire.id }).steps.map(({ title, ok }) => `${String(ok)} ${title}`);
    expect(told).toContain(`false right pod 'name:${place.old}'`);
    expect(told).toContain(`true left host end '${wire.left.host.name}', ifindex ${wire.left.host.ifindex}`);
  });

  test('has the same one when another endpoint takes over', async () => {
    await agent.wires.moveSide(it, 'right', place.right(place.fresh));
    expect(link(place.client, 'nsm-1').ifindex).toBe(wire.left.ifindex);
    expect(node.wire(wire.id)).toMatchObject({ state: 'open', left: wire.left });
    for (const address of ['10.0.0.2', 'fd00::2']) place.pings(address);
  });

  test('takes no other change', async () => {
    const failure = await failureOf(agent.wires.update(it, change({ mtu: 1400 })));
    expect(failure.message).toBe(`Wire ${wire.id}: a namespace of it has ended`);
  });

  test('goes when the client goes, too', async () => {
    pods.remove(place.client);
    await eventually(() => {
      expect(node.wire(wire.id)).toBeUndefined();
    });
    place.again('client');
  });

  test('cannot have its client moved, since there would be nothing left', async () => {
    const failure = await failureOf(
      agent.wires.moveSide(it, 'left', { ...place.left(), netns: `name:${place.fresh}` }),
    );
    expect(failure).toMatchObject({ code: 'refused' });
    expect(failure.message).toBe(`Wire ${wire.id}: the namespace of its right side has ended`);
    expect(node.wire(wire.id)?.state).toBe('down');
  });
});
