// A side is in the namespace that is meant, however it is named:
//
//   name:a  -->  namespace dev:inode  <--  identity
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { statSync } from 'node:fs';
import type { Agent } from '../../../src/agent.ts';
import { failOnLeakedFds } from '../../fds.ts';
import { Pods } from '../../pods.ts';
import { failureOf } from '../failure.ts';
import { links, nothing } from '../inventory.ts';
import { end, Node, wireSpec } from '../node.ts';

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

const identity = (name: string): { dev: number; inode: number } => {
  const { dev, ino } = statSync(`/run/netns/${name}`);
  return { dev, inode: ino };
};

test('a name that leads to the namespace that is meant is taken', async () => {
  const { id } = await agent.wires.add(
    wireSpec({ ...end(a), identity: identity(a) }, { ...end(b), identity: identity(b) }),
  );
  expect(links(b).map((l) => l.ifname)).toEqual(['lo', 'vwire0']);
  await agent.wires.remove({ id });
});

test('a name that leads to another one is refused, and says to which', async () => {
  const meant = identity(a);
  const there = identity(b);
  const failure = await failureOf(agent.wires.add(wireSpec(end(a), { ...end(b), identity: meant })));
  expect(failure).toMatchObject({
    code: 'refused',
    field: 'right.netns',
    value: `name:${b}`,
    message: `right.netns is 'name:${b}', which leads to namespace ${there.dev}:${there.inode} where ${meant.dev}:${meant.inode} is meant`,
    allowed: `what leads to the namespace with device and inode ${meant.dev}:${meant.inode}`,
  });
  expect(node.inventory.held()).toEqual(nothing);
});
