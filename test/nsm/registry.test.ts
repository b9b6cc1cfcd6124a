//   pod, with mounts of its own               agent's namespaces
//   /run/host       empty               /run/host/secret.sock   not for pods
//   /run/pod/e.sock an endpoint         nothing
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connectUnix } from '../../src/net/unix/connect.ts';
import { failOnLeakedFds } from '../fds.ts';
import { RegistryPlace } from './registry-place.ts';

jest.setTimeout(60_000);
const program = fileURLToPath(new URL('workload.mjs', import.meta.url));

type Deed =
  | { do: 'listen'; path: string }
  | { do: 'symlink'; target: string; path: string }
  | { do: 'register'; name: string; url: string };

class Workload {
  readonly process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(process: ChildProcess) {
    const { stdout } = process;
    if (stdout === null) throw new Error('The workload has no standard output');
    const lines: Interface = createInterface({ input: stdout });
    this.process = process;
    this.#answers = lines[Symbol.asyncIterator]();
  }

  /** What went wrong, or nothing. */
  async does(deed?: Deed): Promise<{ code?: string; message?: string }> {
    if (deed !== undefined) this.process.stdin?.write(`${JSON.stringify(deed)}\n`);
    const { value } = (await this.#answers.next()) as { value: string | undefined };
    if (value === undefined) throw new Error('The workload has ended');
    return JSON.parse(value) as { code?: string; message?: string };
  }
}

const secret = '/run/host/secret.sock';
let host: Server;
let place: RegistryPlace;
let workloads: Workload[];

/** Root in pid, mount and network namespaces of its own. */
const pod = (): Promise<Workload> =>
  start(
    'unshare',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount',
    '--net',
    '--propagation',
    'private',
    'sh',
    '-ec',
    'mount -t tmpfs tmpfs /run/host; mount -t tmpfs tmpfs /run/pod; exec "$@"',
    'pod',
  );

/** A user of the node itself. */
const user = (uid: number): Promise<Workload> =>
  start('setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--');

async function start(...wrapper: string[]): Promise<Workload> {
  const [first, ...rest] = wrapper;
  const own = [program, place.place.url];
  const [file, args] =
    first === undefined ? [process.execPath, own] : [first, [...rest, process.execPath, ...own]];
  const workload = new Workload(spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  workloads.push(workload);
  await workload.does();
  return workload;
}

beforeAll(async () => {
  for (const folder of ['/run/host', '/run/pod', '/run/user']) mkdirSync(folder);
  chmodSync('/run/user', 0o777);
  host = createServer().listen(secret);
  await once(host, 'listening');
  chmodSync(secret, 0o600);
});
afterAll(() => {
  host.close();
});
beforeEach(async () => {
  workloads = [];
  place = await RegistryPlace.open(
    (caller) => caller.kind === 'unix' && caller.peer.inOwnNamespaces && caller.peer.uid === 0,
  );
  chmodSync(place.place.folder, 0o755);
});
afterEach(async () => {
  for (const { process } of workloads) process.kill('SIGKILL');
  await place.close();
});
failOnLeakedFds();

const register = (path: string, name = 'e'): Deed => ({ do: 'register', name, url: `unix://${path}` });

describe('a pod', () => {
  test('is asked at the socket that it sees itself', async () => {
    const workload = await pod();
    await workload.does({ do: 'listen', path: '/run/pod/e.sock' });
    expect(await workload.does(register('/run/pod/e.sock'))).toEqual({});
    expect(existsSync('/run/pod/e.sock')).toBe(false);
    const stream = await connectUnix(
      place.store.endpoint('e').target.replace('unix://', ''),
      AbortSignal.timeout(10_000),
    );
    expect(stream.peer.inOwnNamespaces).toBe(false);
    stream.destroy();
  });

  test.each([
    ['what is only on the host', secret],
    ['a link to it', '/run/pod/link'],
    ['a way through a link to a root directory', '/run/pod/root/host/secret.sock'],
    ['a way past its root', '/../../../../run/host/secret.sock'],
    ["another process's root", '/proc/1/root/run/host/secret.sock'],
  ])('does not lead the agent to %s', async (_, path) => {
    const workload = await pod();
    await workload.does({ do: 'symlink', target: secret, path: '/run/pod/link' });
    await workload.does({ do: 'symlink', target: '/proc/self/root/run', path: '/run/pod/root' });
    expect(await workload.does(register(path))).toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('which cannot be opened as the caller sees it'),
    });
    expect(place.targets.count).toBe(0);
  });

  test("has its name until it ends, and no other pod's", async () => {
    const [one, two] = [await pod(), await pod()];
    for (const workload of [one, two]) await workload.does({ do: 'listen', path: '/run/pod/e.sock' });
    expect(await one.does(register('/run/pod/e.sock'))).toEqual({});
    const { target } = place.store.endpoint('e');
    expect(await two.does(register('/run/pod/e.sock'))).toMatchObject({
      code: 'denied',
      message: expect.stringContaining("network service endpoint 'e' belongs to another workload"),
    });
    expect(place.store.endpoint('e').target).toBe(target);
    one.process.kill('SIGKILL');
    // The process that registered is a child of the one that was killed, and dies by itself.
    while ((await two.does(register('/run/pod/e.sock'))).code === 'denied');
    expect(place.store.endpoint('e').target).not.toBe(target);
  });
});

describe('a user of the node', () => {
  test('is asked at a socket of its own', async () => {
    const workload = await user(1000);
    await workload.does({ do: 'listen', path: '/run/user/e.sock' });
    expect(await workload.does(register('/run/user/e.sock'))).toEqual({});
    expect(place.targets.count).toBe(1);
  });

  test('does not lead the agent to a socket to which it may not connect', async () => {
    const workload = await user(1000);
    expect(await workload.does(register(secret))).toMatchObject({
      code: 'denied',
      message: `Field 'url' is 'unix://${secret}', a socket of user 0 to which the caller, user 1000, may not connect: allowed is a socket that the caller may connect to`,
    });
  });

  test('has nothing of another user', async () => {
    const [one, two] = [await user(1000), await user(1001)];
    await one.does({ do: 'listen', path: '/run/user/one.sock' });
    await two.does({ do: 'listen', path: '/run/user/two.sock' });
    expect(await one.does(register('/run/user/one.sock'))).toEqual({});
    expect(await two.does(register('/run/user/two.sock'))).toMatchObject({ code: 'denied' });
  });

  test('that is root is believed: its paths are dialled as they are', async () => {
    const workload = await user(0);
    expect(await workload.does(register('/run/user/later.sock'))).toEqual({});
    expect([place.store.endpoint('e').target, place.targets.count]).toEqual([
      'unix:///run/user/later.sock',
      0,
    ]);
  });
});
