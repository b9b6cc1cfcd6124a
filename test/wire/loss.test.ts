// Killing the agent under load. Agent, traffic and command line are processes of their own:
//
//   seqloss, tcp-hash    <==== wire ====>    seqloss, tcp-hash       60,000 datagrams a second each way
//        pod a            hops in the kernel       pod b             and a TCP stream that is hashed
//                               ^
//          agent: SIGKILL at a random microsecond, idle, adopting, adding or removing other wires
//
// What the receivers miss is the loss. In the control run a process holds the links instead of pins, and
// the same kill must cost packets, or this test would see nothing.
import { spawn } from 'node:child_process';
import { afterAll, afterEach, describe, expect, jest, test } from '@jest/globals';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { AgentProcess, vwire } from './agent-process.ts';
import { identityOf } from './identity.ts';
import { links, nothing } from './inventory.ts';
import { hasTcx, otherDatapath } from './kernel.ts';
import { end, Node, wireSpec } from './node.ts';
import { microseconds, random } from './random.ts';
import { repetitions } from './repeat.ts';
import { Datagrams, Stream, type LossResult } from './traffic.ts';

jest.setTimeout(30_000);

const RATE = 60_000;
/** What has to be reached, of each direction, for a result to count. */
const LEAST = 50_000;

const pods = new Pods();
const node = new Node();
const [a, b, c] = [pods.make('a'), pods.make('b'), pods.make('c')];
const hosts = [
  { pod: a, address: '10.0.0.1' },
  { pod: b, address: '10.0.0.2' },
] as const;
const kills = repetitions(5);
/** More than any kill takes, in seconds. */
const patience = 60 + 10 * kills;
const { seed, next } = random();
let agent: AgentProcess;

afterEach(async () => {
  for (const { id } of await agent.client.list()) await agent.client.remove({ id });
  await agent.stop();
  expect(node.inventory.held()).toEqual(nothing);
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

async function addMain(datapath: string): Promise<void> {
  const sides = ['--left', `${a},address=10.0.0.1/24`, '--right', `${b},address=10.0.0.2/24`];
  await vwire(
    node,
    'wire',
    'add',
    ...sides,
    '--connection',
    'main',
    '--datapath',
    datapath,
    '--accept-no-offload',
  );
}

/** What the agent is at when it is killed, and how long it is given for that, in microseconds. */
const moments = {
  idle: async () => {
    await microseconds(next() * 20_000);
    await agent.kill();
  },
  adding: async () => {
    const adding = agent.client.add(wireSpec(end(a), end(c), { connection: 'other' }));
    adding.catch(() => undefined);
    await microseconds(next() * 15_000);
    await agent.kill();
    await adding.catch(() => undefined);
  },
  removing: async () => {
    const { id } = await agent.client.add(wireSpec(end(c), end(b), { connection: 'other' }));
    const removing = agent.client.remove({ id });
    removing.catch(() => undefined);
    await microseconds(next() * 40_000);
    await agent.kill();
    await removing.catch(() => undefined);
  },
  adopting: async () => {
    await agent.kill();
    const dying = AgentProcess.spawn(node);
    await microseconds(next() * 600_000);
    await dying.kill();
  },
};

/** After a restart: the main wire as it was, the other one whole or gone. */
async function settled(): Promise<void> {
  agent = await AgentProcess.start(node);
  const wires = await agent.client.list();
  expect(wires.find(({ connection }) => connection === 'main')?.state).toBe('open');
  const other = wires.find(({ connection }) => connection === 'other');
  if (other) {
    expect(other.state).toBe('open');
    await agent.client.remove({ id: other.id });
  }
  expect(links(c).map((l) => l.ifname)).toEqual(['lo']);
}

function countsOnly(sides: readonly LossResult[]): void {
  for (const side of sides) {
    expect(side).toMatchObject({ peer: true, sendErrors: 0, rcvbufErrors: 0, otherErrors: 0 });
    expect(side.sent / side.seconds).toBeGreaterThan(LEAST);
  }
}

describe('an agent that is killed under load', () => {
  test.each(hasTcx ? (['clsact', 'tcx'] as const) : (['clsact'] as const))(
    `costs a wire by %s nothing (VWIRE_SEED=${seed})`,
    async (datapath) => {
      agent = await AgentProcess.start(node);
      await addMain(datapath);
      const before = identityOf(node.inventory, await agent.client.list());
      const datagrams = await Datagrams.start(pods, ...hosts, RATE, { seconds: patience });
      const stream = await Stream.start(pods, ...hosts, { mbytes: 1_000_000, mbits: 100, seconds: patience });

      const kinds = ['idle', 'adding', 'removing', 'adopting'] as const;
      for (let kill = 0; kill < kills; kill++) {
        await moments[kinds[kill % kinds.length] ?? 'idle']();
        await settled();
      }

      stream.stop();
      const [given, taken] = await stream.result();
      expect(taken).toMatchObject({ hash: given.hash, bytes: given.bytes, complete: true });
      const sides = await datagrams.stop();
      countsOnly(sides);
      expect(sides.map(({ lost, gaps }) => ({ lost, gaps }))).toEqual([
        { lost: 0, gaps: 0 },
        { lost: 0, gaps: 0 },
      ]);
      expect(identityOf(node.inventory, await agent.client.list())).toEqual(before);
      const listed = JSON.parse(await vwire(node, 'ls', '--json')) as { items: { connection: string }[] };
      expect(listed.items.map(({ connection }) => connection)).toEqual(['main']);
    },
    patience * 1000,
  );
});

describe('the control', () => {
  test('loses packets when what forwards hangs on the process that is killed', async () => {
    agent = await AgentProcess.start(node);
    await addMain(otherDatapath);
    for (const { pod } of hosts) run('ip', 'netns', 'exec', pod, 'ethtool', '-K', 'vwire0', 'tx', 'off');
    const pins = node.inventory.held().links.filter((name) => name.endsWith(`-${otherDatapath}`));
    expect(pins).toHaveLength(2);
    await agent.stop();
    const holder = spawn(
      process.execPath,
      [fileURLToPath(new URL('holder.mjs', import.meta.url)), join(node.inventory.pins, 'links'), ...pins],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    let said = '';
    holder.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await eventually(() => {
      expect(said).toBe('ready 2\n');
    });
    const datagrams = await Datagrams.start(pods, ...hosts, RATE);
    await microseconds(next() * 20_000);
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('exit', resolve));
    await settled();
    const sides = await datagrams.stop();
    countsOnly(sides);
    for (const { lost } of sides) expect(lost).toBeGreaterThan(1000);
  }, 60_000);
});
