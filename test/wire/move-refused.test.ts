// A side of a wire that cannot be put elsewhere: what stood goes on standing. The picture is that of move.test.ts.
import { afterEach, afterAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { SideSpec, WireItem } from '../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../fds.ts';
import { failureOf } from './failure.ts';
import { link, nothing } from './inventory.ts';
import { it, MovePlace, names } from './move-place.ts';

jest.setTimeout(60_000);

const place = new MovePlace();
const { node } = place;

beforeEach(() => {
  place.renew();
});
afterAll(() => place.close());
failOnLeakedFds();

describe('a move that cannot be', () => {
  let agent: Agent;
  let wire: WireItem;

  beforeEach(async () => {
    agent = await node.restart();
    wire = await agent.wires.add(place.spec());
  });
  afterEach(async () => {
    await Promise.all(agent.wires.list().map(({ id }) => agent.wires.remove({ id })));
    expect(node.inventory.held()).toEqual(nothing);
    expect(names(place.fresh)).toEqual(['lo']);
  });

  test.each<[string, () => Partial<SideSpec>, string]>([
    ['to a namespace nobody knows', () => ({ netns: 'name:nosuch' }), 'right.netns'],
    ['under a name that is taken', () => ({ name: 'lo' }), 'right.name'],
    ['to the MAC of the other side', () => ({ mac: wire.left.mac }), 'right.mac'],
    ['with an address that is none', () => ({ addresses: ['x'] }), 'right.addresses[0]'],
  ])('%s is refused, and nothing has changed', async (_, more, field) => {
    const failure = await failureOf(
      agent.wires.moveSide(it, 'right', { ...place.right(place.fresh), ...more() }),
    );
    expect(failure.field).toBe(field);
    expect(node.wire(wire.id)).toMatchObject({ state: 'open', left: wire.left, right: wire.right });
    place.pings('10.0.0.2');
  });

  test('since the kernel refuses it leaves the wire with its other side, to be moved again', async () => {
    const bad = {
      ...place.right(place.fresh),
      mac: '02:00:00:00:00:88',
      addresses: ['10.0.0.2/24', '::/128'],
    };
    const failure = await failureOf(agent.wires.moveSide(it, 'right', bad));
    expect(failure).toMatchObject({ code: 'refused', field: 'right.addresses[1]' });
    expect(node.wire(wire.id)).toMatchObject({
      state: 'down',
      left: wire.left,
      right: { netns: `name:${place.old}`, ifindex: 0, mac: wire.right.mac },
    });
    expect(names(place.fresh)).toEqual(['lo']);
    expect(link(null, wire.left.host.name).address).toBe(wire.right.mac);
    await agent.wires.moveSide(it, 'right', place.right(place.fresh));
    place.pings('10.0.0.2');
    await agent.wires.remove(it);
  });

  test('of a wire nobody knows', async () => {
    const asked = agent.wires.moveSide({ connection: 'nosuch' }, 'right', place.right(place.fresh));
    expect((await failureOf(asked)).code).toBe('not_found');
  });
});
