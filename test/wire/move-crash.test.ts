// An agent that ends in the middle of putting a side of a wire elsewhere, and the next one. The picture is that of
// move.test.ts.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { WireItem } from '../../src/features/wire/api.ts';
import { run } from '../pods.ts';
import { nothing } from './inventory.ts';
import { Keeper } from './keeper.ts';
import { it, movePlace, names } from './move-place.ts';

jest.setTimeout(60_000);

const place = movePlace();
const { pods, node } = place;

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
    expect([place.client, place.fresh].flatMap(names)).toEqual(['lo', 'lo']);
  });
  const dies = async (point: string): Promise<WireItem> => {
    const dying = await Keeper.start(node, `${point}:kill`);
    const wire = await dying.add(place.spec('wire'));
    await expect(dying.moveSide(it, 'right', place.right(place.fresh))).rejects.toThrow('The agent is gone');
    expect(await dying.end()).toBe('SIGKILL');
    return wire;
  };

  test.each(['leaving', 'left', 'remade', 'moved'])(
    "at '%s' of a move has it finished by the next one",
    async (point) => {
      const wire = await dies(point);
      keeper = await Keeper.start(node);
      expect(await keeper.list()).toMatchObject([
        { state: 'open', left: wire.left, right: { netns: `name:${place.fresh}`, mac: wire.right.mac } },
      ]);
      expect(names(place.old)).toEqual(['lo']);
      expect(node.inventory.held()).toMatchObject({ hops: 2, counters: 2, watched: 4 });
      for (const address of ['10.0.0.2', 'fd00::2']) place.pings(address);
    },
  );

  test.each(['leaving', 'left', 'remade', 'moved'])(
    "at '%s' of a move to a namespace that ends, too, has the other side kept",
    async (point) => {
      const wire = await dies(point);
      pods.remove(place.fresh);
      keeper = await Keeper.start(node);
      expect(await keeper.list()).toMatchObject([{ state: 'down', left: wire.left, right: { ifindex: 0 } }]);
      expect(names(place.old)).toEqual(['lo']);
      place.again('fresh');
      await keeper.moveSide(it, 'right', place.right(place.fresh));
      place.pings('10.0.0.2');
    },
  );

  test('with a wire of one side has it kept by the next one', async () => {
    const first = await Keeper.start(node, 'left:throw');
    const wire = await first.add(place.spec('wire'));
    await expect(first.moveSide(it, 'right', place.right(place.fresh))).rejects.toThrow("Fault point 'left'");
    expect(await first.list()).toMatchObject([{ state: 'down', left: wire.left, right: { ifindex: 0 } }]);
    await first.end();
    keeper = await Keeper.start(node);
    expect(await keeper.list()).toMatchObject([{ state: 'down', left: wire.left, right: { ifindex: 0 } }]);
    await keeper.moveSide(it, 'right', place.right(place.fresh));
    place.pings('10.0.0.2');
  });

  test.each(['leaving', 'remade', 'moved'])(
    "but fails at '%s' again and again leaves the wire with its other side",
    async (point) => {
      keeper = await Keeper.start(node, `${point}:throw`);
      const wire = await keeper.add(place.spec('wire'));
      await expect(keeper.moveSide(it, 'right', place.right(place.fresh))).rejects.toThrow(
        `Fault point '${point}'`,
      );
      const [found] = await keeper.list();
      expect(found?.left).toEqual(wire.left);
      expect(found?.state).toBe('down');
      expect(names(place.fresh)).toEqual(['lo']);
    },
  );

  test.each(['leaving', 'left', 'remade', 'moved'])(
    "but fails at '%s' once has that side made again where it was",
    async (point) => {
      keeper = await Keeper.start(node, `${point}:throw:1`);
      const wire = await keeper.add(place.spec('wire'));
      await expect(keeper.moveSide(it, 'right', place.right(place.fresh))).rejects.toThrow(
        `Fault point '${point}'`,
      );
      const { netns, name, mac } = wire.right;
      expect(await keeper.list()).toMatchObject([
        { state: 'open', left: wire.left, right: { netns, name, mac } },
      ]);
      place.pings('10.0.0.2');
    },
  );

  test('in the middle of a move whose other side goes is undone', async () => {
    await dies('remade');
    run('ip', '-n', place.client, 'link', 'del', 'nsm-1');
    keeper = await Keeper.start(node);
    expect(await keeper.list()).toEqual([]);
  });
});
