// More notifications than the agent can hold while it does not run:
//
//   agent, SIGSTOP          kernel: 8 MiB of notifications, then ENOBUFS        pods
//      ...                  <== MTU of a bystander, 20,000 times ==             MAC, name, down
//   agent, SIGCONT          looks at everything anew
import { afterAll, expect, jest, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { AgentProcess } from './agent-process.ts';
import { link, nothing } from './inventory.ts';
import { end, Node, wireSpec } from './node.ts';

jest.setTimeout(60_000);

const pods = new Pods();
const node = new Node();
const [a, b, c] = [pods.make('a'), pods.make('b'), pods.make('c')];

afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

/** Makes the kernel tell of a bystander's changes until nothing more fits. */
function flood(): void {
  run('ip', 'link', 'add', 'bystander', 'type', 'bridge');
  const changes = Array.from({ length: 20_000 }, (_, i) => `link set bystander mtu ${1400 + (i % 2)}\n`);
  const batch = join(node.runDir, 'batch');
  writeFileSync(batch, changes.join(''));
  run('ip', '-batch', batch);
  run('ip', 'link', 'del', 'bystander');
}

test('an agent that missed notifications follows all the same', async () => {
  const agent = await AgentProcess.start(node);
  const { client } = agent;
  const wire = await client.add(wireSpec(end(a, '10.0.0.1/24'), end(b, '10.0.0.2/24')));
  const down = await client.add(wireSpec(end(a), end(b)));
  const ended = await client.add(wireSpec(end(a), end(c)));
  process.kill(agent.pid, 'SIGSTOP');
  flood();
  run('ip', '-n', b, 'link', 'set', wire.right.name, 'address', '02:00:00:00:00:42');
  run('ip', '-n', b, 'link', 'set', down.right.name, 'down');
  run('ip', '-n', b, 'link', 'set', down.right.name, 'name', 'renamed');
  pods.remove(c);
  process.kill(agent.pid, 'SIGCONT');

  const start = performance.now();
  for (;;) {
    const wires = await client.list();
    const [first, second, third] = [wire, down, ended].map(({ id }) => wires.find((w) => w.id === id));
    if (first?.right.mac === '02:00:00:00:00:42' && second?.right.name === 'renamed' && !third) break;
    expect(performance.now() - start).toBeLessThan(20_000);
  }
  expect(agent.log).toContain('Device notifications were lost: every wire is looked at anew');
  expect(link(null, wire.left.host.name).address).toBe('02:00:00:00:00:42');
  expect(pods.exec(a, 'ping', '-n', '-c', '1', '-W', '3', '10.0.0.2')).toContain('1 received');
  expect((await client.list()).map(({ state }) => state)).toEqual(['open', 'down']);
  for (const { id } of [wire, down]) await client.remove({ id });
  await agent.stop();
  await eventually(() => {
    expect(node.inventory.held()).toEqual(nothing);
  });
});
