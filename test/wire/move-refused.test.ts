// A side of a wire that cannot be put elsewhere: what stood goes on standing. The picture is that of move.test.ts, and
// the client has an eth0 of its own with a default route.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { IpSpec, MoveChange, SideSpec, WireItem } from '../../src/features/wire/api.ts';
import { armFault } from '../../src/fault.ts';
import { eventually, run } from '../pods.ts';
import { failureOf } from './failure.ts';
import { link, nothing } from './inventory.ts';
import { it, movePlace, names } from './move-place.ts';

jest.setTimeout(60_000);

const place = movePlace();
const { pods, node } = place;
let agent: Agent;
let wire: WireItem;

beforeEach(async () => {
  // Or the picture of the pod changes when duplicate address detection is over.
  run('ip', 'netns', 'exec', place.client, 'sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0');
  pods.giveEth0(place.client);
  agent = await node.restart();
  wire = await agent.wires.add(place.spec());
  place.pings('10.0.0.2');
  node.events.length = 0;
});
afterEach(async () => {
  armFault('');
  await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
  expect(node.inventory.held()).toEqual(nothing);
  expect([place.fresh, place.old].flatMap(names)).toEqual(['lo', 'lo']);
  expect(run('ip', '-n', place.client, 'rule')).not.toContain('dport 80');
});

/** All that a pod knows of its interfaces. */
const picture = (pod: string): string =>
  [['addr'], ['-4', 'route'], ['-6', 'route'], ['rule'], ['-6', 'rule'], ['link']]
    .map((args) => run('ip', '-n', pod, ...args))
    .join('\n');
/** Programs at the host ends, by their ids, and the numbers of all four devices. */
const attachments = (): string =>
  [wire.left, wire.right]
    .map(
      ({ host }) => run('bpftool', 'net', 'show', 'dev', host.name) + String(link(null, host.name).ifindex),
    )
    .join('\n');
const sent = (): bigint => node.wire(wire.id)?.counters.leftToRight.packets ?? 0n;
const client = (more: Partial<IpSpec>): MoveChange => ({ mtu: null, far: { ...place.left(), ...more } });
const toFresh = (more: Partial<SideSpec> = {}, along?: MoveChange): Promise<WireItem> =>
  agent.wires.moveSide(it, 'right', { ...place.right(place.fresh), ...more }, along);

describe('a move that is refused', () => {
  test.each<[string, () => [Partial<SideSpec>, MoveChange?], string, string]>([
    ['to a namespace nobody knows', () => [{ netns: 'name:nosuch' }], 'right.netns', ''],
    ['under a name that is taken', () => [{ name: 'lo' }], 'right.name', ''],
    ['to the MAC of the other side', () => [{ mac: wire.left.mac }], 'right.mac', ''],
    ['with an address that is none', () => [{ addresses: ['x'] }], 'right.addresses[0]', ''],
    [
      'since an address of the other side overlaps what its pod has',
      () => [{}, client({ addresses: ['10.244.0.9/16'] })],
      'left.addresses[0]',
      "overlaps 10.244.0.0/24 of 'eth0'",
    ],
    [
      'since the kernel has another route where the other side is to have one',
      () => [{}, client({ addresses: ['10.9.0.1/24'], routes: [{ prefix: '0.0.0.0/0', via: '10.9.0.2' }] })],
      'left.routes[0].prefix',
      "interface 'eth0' has a default route already",
    ],
    [
      'with that route and a larger MTU',
      () => [{}, { ...client({ routes: [{ prefix: '0.0.0.0/0', via: '10.0.0.2' }] }), mtu: 9000 }],
      'left.routes[0].prefix',
      "interface 'eth0' has a default route already",
    ],
    ['with an MTU that has no room for IPv6', () => [{}, { mtu: 1000, far: null }], 'mtu', '1280 and more'],
    ['with an MTU that no device has', () => [{}, { mtu: 66_000, far: null }], 'mtu', '65535'],
  ])('%s has changed nothing', async (_, asked, field, words) => {
    const pictures = (): string[] => [place.client, place.old, place.fresh].map(picture);
    const before = { pods: pictures(), attachments: attachments(), sent: sent() };
    const failure = await failureOf(toFresh(...asked()));
    expect(failure).toMatchObject({ field, message: expect.stringContaining(words) });
    expect({ pods: pictures(), attachments: attachments() }).toEqual({
      pods: before.pods,
      attachments: before.attachments,
    });
    expect(node.wire(wire.id)).toMatchObject({ state: 'open', left: wire.left, right: wire.right });
    place.pings('10.0.0.2');
    expect(sent()).toBeGreaterThan(before.sent);
  });

  test('of a wire nobody knows', async () => {
    const asked = agent.wires.moveSide({ connection: 'nosuch' }, 'right', place.right(place.fresh));
    expect((await failureOf(asked)).code).toBe('not_found');
  });
});

describe('a move of which the kernel refuses the new side when the old one has gone', () => {
  const bad = { mac: '02:00:00:00:00:88', addresses: ['10.7.0.2/24', '::/128'] };
  const along = { mtu: 1400, far: { ...place.left(), addresses: ['10.7.0.1/24'] } };

  test.each<[string, MoveChange | undefined]>([
    ['alone', undefined],
    ['with news for the other side and a smaller MTU', along],
    ['with news for the other side and a larger MTU', { ...along, mtu: 9000 }],
  ])('%s has that side alone made again', async (_, more) => {
    const before = { pod: picture(place.client), sent: sent() };
    const failure = await failureOf(toFresh(bad, more));
    expect(failure).toMatchObject({ code: 'refused', field: 'right.addresses[1]' });
    const { ifindex, host, ...same } = wire.right;
    expect(node.wire(wire.id)).toMatchObject({
      state: 'open',
      mtu: 1500,
      left: wire.left,
      right: { ...same, host: { name: host.name } },
      hops: [{ action: 'peer' }, { action: 'peer' }],
    });
    expect(link(null, host.name).ifindex).not.toBe(host.ifindex);
    expect(link(place.old, 'nsm-2').ifindex).not.toBe(ifindex);
    expect(picture(place.client)).toBe(before.pod);
    for (const address of ['10.0.0.2', 'fd00::2']) place.pings(address);
    expect(sent()).toBeGreaterThan(before.sent);
    expect(node.inventory.held()).toMatchObject({ hops: 2, counters: 2, watched: 4 });
  });

  test('is followed where it is again', async () => {
    await failureOf(toFresh(bad));
    run('ip', '-n', place.old, 'link', 'set', 'nsm-2', 'down');
    await eventually(() => {
      expect(node.wire(wire.id)?.state).toBe('down');
    });
  });

  test('leaves the wire with its other side where the old one cannot be made again, to be moved once more', async () => {
    armFault('remade:throw');
    const before = picture(place.client);
    await expect(toFresh({ mac: '02:00:00:00:00:88' }, along)).rejects.toThrow("Fault point 'remade'");
    armFault('');
    expect(node.wire(wire.id)).toMatchObject({
      state: 'down',
      mtu: 1500,
      left: wire.left,
      right: { netns: `name:${place.old}`, ifindex: 0, mac: wire.right.mac },
    });
    expect(node.events.map(({ type }) => type)).toEqual(['failed', 'port_lost']);
    expect(picture(place.client)).toBe(before);
    expect(link(null, wire.left.host.name).address).toBe(wire.right.mac);
    const failure = await failureOf(
      agent.wires.moveSide(it, 'left', { ...place.left(), netns: `name:${place.fresh}` }),
    );
    expect(failure.message).toBe(`Wire ${wire.id} has its left side only, which cannot be moved`);
    await toFresh();
    place.pings('10.0.0.2');
    await agent.wires.remove(it);
  });

  test('after the namespace of the old one has ended leaves the wire as it was', async () => {
    pods.remove(place.old);
    await eventually(() => {
      expect(node.events.map(({ type }) => type)).toEqual(['port_lost']);
    });
    await failureOf(toFresh(bad));
    expect(node.wire(wire.id)).toMatchObject({ state: 'down', left: wire.left, right: { ifindex: 0 } });
    await toFresh();
    place.pings('10.0.0.2');
    place.again('old');
  });
});
