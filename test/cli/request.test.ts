// What a person or an init container does with connections, by the built command and a real agent:
//
//   pod client --- nsm-1 --- wire --- pod server, where the agent answers for 'web' and 'db'
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { eventually, Pods, run } from '../pods.ts';
import { type Vwire as Process, Vwire, startAgent, vwire } from './process.ts';

// Each line starts a process, and the machine may be busy with other files.
jest.setTimeout(120_000);

const pods = new Pods();
const instance = '--instance asked';
const [client, server] = [pods.make('client'), pods.make('server')];
const inClient = `--netns name:${client}`;
let agent: Process;

type Document = Record<string, unknown>;
async function json(line: string): Promise<Document> {
  const { code, out, err } = await vwire(`${line} --json ${instance}`);
  expect({ line, code, err }).toEqual({ line, code: 0, err: '' });
  return JSON.parse(out) as Document;
}
const connections = async (): Promise<Document[]> => (await json('ls')).connections as Document[];
const ping = (address: string): string => pods.exec(client, 'ping', '-c2', '-i0.05', '-W1', address);

beforeAll(async () => {
  agent = await startAgent('asked');
  for (const service of ['web', 'db']) {
    const pool = service === 'web' ? '172.16.1.0/24 --pool 2001:db8::/116' : '172.16.2.0/24';
    const line = `endpoint add ${service} --netns name:${server} --name ${service}-1 --pool ${pool} ${instance}`;
    expect(await vwire(line)).toMatchObject({ code: 0, err: '' });
  }
});

afterEach(async () => {
  for (const { id } of await connections()) await vwire(`close ${String(id)} ${instance}`);
});

afterAll(() => {
  agent.child.kill('SIGKILL');
  pods.close();
});

test('a request is answered when traffic flows, and its id leads to all that is said of it', async () => {
  const asked = await vwire(`request web ${inClient} --interface nsm-1 --label app=x ${instance}`);
  expect(asked).toMatchObject({ code: 0, err: '' });
  const id = asked.out.trim();
  const { connection, wire, steps, errors } = await json(`explain ${id}`);
  expect(connection).toMatchObject({
    id,
    service: 'web',
    endpoint: 'web-1',
    state: 'up',
    labels: { app: 'x' },
    left: { mechanism: 'KERNEL', name: 'nsm-1' },
  });
  expect(errors).toEqual([]);
  for (const step of steps as Document[]) expect(step).toMatchObject({ ok: true });
  expect(JSON.stringify(steps)).toMatch(
    /hops\[ifindex \d+, ingress\] = peer, out ifindex \d+, wire \d+, left to right/,
  );
  const { right } = connection as { right: { addresses: string[] } };
  for (const address of right.addresses) ping(address.replace(/\/.*/, ''));

  const wireId = (wire as Document).id;
  expect(await json(`inspect ${id}`)).toMatchObject({ kind: 'Connection', id, carrier: { id: wireId } });
  expect(await json(`inspect ${String(wireId)}`)).toMatchObject({
    kind: 'Wire',
    request: { id, service: 'web' },
  });
  expect(await connections()).toEqual([expect.objectContaining({ id, state: 'up' })]);
  expect((await vwire(`ls ${instance}`)).out).toMatch(/ web +web-1 +up +/);
  expect(await json('endpoint ls')).toMatchObject({
    items: expect.arrayContaining([expect.objectContaining({ name: 'web-1', connections: 1 })]),
  });

  expect(await vwire(`close ${id} ${instance}`)).toEqual({ code: 0, out: `Closed ${id}\n`, err: '' });
  expect(run('ip', '-n', client, '-br', 'link')).not.toContain('nsm-1');
  expect((await vwire(`explain ${id} ${instance}`)).code).toBe(3);
});

test('a pod asks for itself, as its own user would', async () => {
  const socket = '/run/vwire/asked/workload/agent.sock';
  const words = `request web --interface own-1 ${instance}`.split(' ');
  const main = new URL('../../dist/src/main.js', import.meta.url).pathname;
  const id = pods.exec(client, process.execPath, main, ...words).trim();
  expect(run('ip', '-n', client, '-br', 'link')).toContain('own-1');
  expect(await connections()).toMatchObject([{ id, left: { name: 'own-1' } }]);
  expect(run('stat', '-c', '%a', socket).trim()).toBe('666');
});

test('what cannot be had says why, with its exit code', async () => {
  const { code, out, err } = await vwire(`request nothing ${inClient} ${instance} --json`);
  expect({ code, out }).toEqual({ code: 3, out: '' });
  expect(JSON.parse(err)).toMatchObject({ kind: 'Error', code: 'not_found', message: /nothing/ });
  expect(await vwire(`request web --netns name:nobody ${instance}`)).toMatchObject({ code: 2, out: '' });
  expect(await vwire(`request web ${inClient} --interface lo ${instance}`)).toMatchObject({
    code: 4,
    out: '',
  });
  expect(await vwire(`request web ${inClient} --instance nobody`)).toMatchObject({ code: 5, out: '' });
  expect(await connections()).toEqual([]);
});

describe('an init container', () => {
  const file = '/run/asked.yaml';
  const config = (...services: string[]): void => {
    const lines = services.map(
      (service) => `- {service: ${service}, interface: ${service}0, netns: 'name:${client}'}\n`,
    );
    writeFileSync(file, lines.join(''));
  };

  test('waits for an endpoint that comes late', async () => {
    config('web', 'late');
    const asking = new Vwire(['request', '--from', file, ...instance.split(' ')]);
    await eventually(() => {
      if (!asking.err.includes('vwire: late: ')) throw new Error(`not told: ${asking.err}`);
    });
    await vwire(`endpoint add late --netns name:${server} --name late-1 ${instance}`);
    const { code, out } = await asking.ended;
    expect(code).toBe(0);
    const ids = (await connections()).map(({ id }) => id).sort();
    expect(out.trim().split('\n').sort()).toEqual(ids);
    expect(run('ip', '-n', client, '-br', 'link')).toMatch(/web0[^]*late0|late0[^]*web0/);
    await vwire(`endpoint rm late-1 ${instance}`);
  });

  test('has all or nothing', async () => {
    config('web', 'never', 'db');
    const { code, out, err } = await vwire(`request --from ${file} --timeout 500ms ${instance}`);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain("vwire: 'never': ");
    await eventually(() => {
      expect(run('ip', '-n', client, '-br', 'link')).not.toMatch(/web0|db0/);
    });
    expect(await connections()).toEqual([]);
  });
});

describe('--hold', () => {
  const hold = (): Vwire =>
    new Vwire(['request', 'web', '--hold', ...inClient.split(' '), ...instance.split(' ')]);

  test('closes at SIGTERM', async () => {
    const holding = hold();
    await holding.says('  up ');
    expect(await connections()).toHaveLength(1);
    holding.child.kill('SIGTERM');
    expect(await holding.ended).toMatchObject({ code: 0, err: '' });
    expect(await connections()).toEqual([]);
  });

  test('closes at Ctrl-C, and ends when somebody else closes', async () => {
    const interrupted = hold();
    await interrupted.says('  up ');
    interrupted.child.kill('SIGINT');
    expect((await interrupted.ended).code).toBe(130);
    expect(await connections()).toEqual([]);

    const closed = hold();
    await closed.says('  up ');
    await vwire(`close ${closed.out.split('\n')[0] ?? ''} ${instance}`);
    expect(await closed.ended).toMatchObject({ code: 1, err: expect.stringContaining('is closed') });
  });

  test('outlives the agent', async () => {
    const holding = hold();
    await holding.says('  up ');
    agent.child.kill('SIGKILL');
    await agent.ended;
    const id = holding.out.split('\n')[0] ?? '';
    expect(await connections()).toMatchObject([{ id, state: 'up' }]);
    for (const step of (await json(`explain ${id}`)).steps as Document[])
      expect(step).toMatchObject({ ok: true });
    agent = await startAgent('asked');
    expect(await connections()).toMatchObject([{ id, state: 'up' }]);
    holding.child.kill('SIGTERM');
    expect((await holding.ended).code).toBe(0);
    expect(await connections()).toEqual([]);
  });
});

test('watch tells of connections and wires, top of what passes', async () => {
  const watching = new Vwire(['watch', '--json', ...instance.split(' ')]);
  const ended = watching.ended;
  // A change until it has begun to watch.
  while (!/"Event"[^]*"ConnectionEvent"|"ConnectionEvent"[^]*"Event"/.test(watching.out)) {
    const id = (await vwire(`request web ${inClient} ${instance}`)).out.trim();
    await vwire(`close ${id} ${instance}`);
  }
  watching.child.kill('SIGINT');
  expect((await ended).code).toBe(130);
  const kinds = watching.out
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as Document).kind);
  expect(new Set(kinds)).toEqual(new Set(['Event', 'ConnectionEvent']));

  const { id, peerAddresses } = await json(`request web ${inClient}`);
  const address = String((peerAddresses as string[])[0]).replace(/\/.*/, '');
  const pinging = pods.spawn(client, 'ping', '-i0.01', address);
  const sample = (await json('top --interval 500ms')).items as {
    connection: string;
    leftToRight: Record<string, number>;
  }[];
  pinging.kill('SIGKILL');
  const rates = sample.find(({ connection }) => connection === id)?.leftToRight;
  expect(rates?.packetsPerSecond).toBeGreaterThan(1);
  expect(rates?.bitsPerSecond).toBeGreaterThan(8 * 64);
  expect(rates?.droppedPerSecond).toBe(0);
});
