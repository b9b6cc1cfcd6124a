// An agent that fails, or dies, at every point of a wire's life; the next one has to sort it out:
//
//   recorded -> created left -> created right -> addressed -> joined -> up -> opened
//                                                         -> switched -> closing -> deleting
import { afterAll, afterEach, describe, expect, jest, test } from '@jest/globals';
import { faultPoints, type FaultPoint, movePoints } from '../../src/features/wire/fault.ts';
import type { WireItem } from '../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods } from '../pods.ts';
import { AgentProcess } from './agent-process.ts';
import { attached, links, nothing } from './inventory.ts';
import { otherDatapath } from './kernel.ts';
import { end, Node, wireSpec } from './node.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [a, b] = [pods.make('a'), pods.make('b')];
const spec = wireSpec(end(a, '10.0.0.1/24', 'fd00::1/64'), end(b, '10.0.0.2/24'), {
  connection: 'it',
  acceptNoOffload: true,
});
const it = { connection: 'it' };
let agent: AgentProcess | null = null;

afterEach(async () => {
  await agent?.kill();
  agent = null;
  expect(node.inventory.held()).toEqual(nothing);
  for (const pod of [a, b]) expect(links(pod).map((l) => l.ifname)).toEqual(['lo']);
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

const moving: readonly string[] = movePoints;
// A wire of the command line has no IP to change, test/wire/ip/fault.test.ts, and no side that moves, move.test.ts.
const points = faultPoints.filter((point) => !point.startsWith('ip ') && !moving.includes(point));

/** What has to be done until an agent comes to this point: the last step is the one that fails. */
async function reach(point: FaultPoint, { client }: AgentProcess): Promise<unknown> {
  const adding = client.add(spec);
  if (!['switched', 'closing', 'unruled', 'deleting'].includes(point)) return adding;
  await adding;
  return point === 'switched' ? client.update(it, { mtu: null, datapath: otherDatapath }) : client.remove(it);
}

function wholeAndWorking(wire: WireItem): void {
  expect(wire).toMatchObject({ state: 'open', hops: [{ action: 'peer' }, { action: 'peer' }] });
  const [datapath] = wire.hops.map((hop) => hop.datapath);
  for (const { host } of [wire.left, wire.right]) expect(attached(host.name)).toBe(datapath);
  expect(node.inventory.held()).toMatchObject({ hops: 2, counters: 2, files: [`${wire.id}.json`] });
  expect(pods.exec(a, 'ping', '-n', '-c', '1', '-W', '3', '10.0.0.2')).toContain('1 received');
}

describe('an agent that is killed', () => {
  test.each(points)("at '%s' leaves what the next one makes whole or takes away", async (point) => {
    const first = await AgentProcess.start(node, { fault: `${point}:kill` });
    await expect(reach(point, first)).rejects.toMatchObject({ name: 'Unreachable' });
    expect(await first.end()).toBe('SIGKILL');

    agent = await AgentProcess.start(node);
    const { client } = agent;
    const wires = await client.list();
    const expected = [
      'joined',
      'addressed left',
      'addressed right',
      'up',
      'opened',
      'switched',
      'created right',
    ].includes(point);
    expect(wires).toHaveLength(expected ? 1 : 0);
    for (const wire of wires) {
      wholeAndWorking(wire);
      await client.remove(it);
    }
    // Either way nothing stands in the way of another one.
    wholeAndWorking(await client.add(spec));
    await client.remove(it);
  });

  test('twice in a row leaves what the third makes whole', async () => {
    const first = await AgentProcess.start(node, { fault: 'created left:kill' });
    await expect(first.client.add(spec)).rejects.toThrow();
    await first.end();
    const dying = AgentProcess.start(node, { fault: 'deleting:kill' });
    await expect(dying).rejects.toThrow('The agent ended');
    agent = await AgentProcess.start(node);
    expect(await agent.client.list()).toEqual([]);
  });
});

describe('an agent that fails', () => {
  const opening = points.filter((point) => !['switched', 'closing', 'unruled', 'deleting'].includes(point));
  test.each(opening)("at '%s' has let go of everything when it says so", async (point) => {
    agent = await AgentProcess.start(node, { fault: `${point}:throw` });
    await expect(reach(point, agent)).rejects.toMatchObject({
      name: 'Failure',
      code: 'failed',
      message: `Fault point '${point}'`,
    });
    expect(node.inventory.held()).toEqual(nothing);
    expect(await agent.client.list()).toEqual([]);
  });

  test("at 'switched' has taken the change back", async () => {
    agent = await AgentProcess.start(node, { fault: 'switched:throw' });
    await expect(reach('switched', agent)).rejects.toThrow("Fault point 'switched'");
    const [wire] = await agent.client.list();
    expect(wire?.hops.map(({ datapath }) => datapath)).toEqual(['clsact', 'clsact']);
    if (wire) wholeAndWorking(wire);
    await agent.client.remove(it);
  });

  test.each(['closing', 'unruled', 'deleting'] as const)(
    "at '%s' shows the wire as closing until it can be removed",
    async (point) => {
      const first = await AgentProcess.start(node, { fault: `${point}:throw` });
      await expect(reach(point, first)).rejects.toThrow(`Fault point '${point}'`);
      expect((await first.client.list()).map(({ state }) => state)).toEqual(['closing']);
      expect(node.inventory.held()).toMatchObject({ files: [expect.stringMatching(/^\d+\.json$/)] });
      // Once more, and it says so once more: nothing was forgotten.
      await expect(first.client.remove(it)).rejects.toThrow(`Fault point '${point}'`);
      await first.stop();
      agent = await AgentProcess.start(node);
      expect(await agent.client.list()).toEqual([]);
    },
  );

  test('says why in its log, and in the errors of the wire', async () => {
    agent = await AgentProcess.start(node, { fault: 'deleting:throw' });
    const { client } = agent;
    await client.add(spec);
    await expect(client.remove(it)).rejects.toThrow();
    await eventually(() => {
      expect(agent?.log).toContain("Fault point 'deleting'");
    });
    await agent.stop();
    agent = await AgentProcess.start(node);
  });
});
