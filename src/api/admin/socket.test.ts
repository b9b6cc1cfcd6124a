import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { probe } from './probe.ts';
import { listen } from './socket.ts';

let folder: string;
let path: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vwire-socket-'));
  path = join(folder, 'one', 'admin.sock');
});

afterEach(async () => {
  for (const server of servers.splice(0)) await closed(server);
  rmSync(folder, { recursive: true });
});

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });

async function listening(): Promise<Server> {
  const server = await listen(path, (socket) => socket.destroy());
  servers.push(server);
  return server;
}

const mode = (file: string): string => (lstatSync(file).mode & 0o777).toString(8);

test('the socket is 0600 in a folder of 0700, whatever the umask, and goes with the server', async () => {
  mkdirSync(join(folder, 'one'), { mode: 0o755 });
  const before = process.umask(0);
  try {
    const server = await listening();
    expect(process.umask(0)).toBe(0);
    expect([mode(join(folder, 'one')), mode(path)]).toEqual(['700', '600']);
    expect(await probe(path)).toBe('open');
    servers.pop();
    await closed(server);
    expect(existsSync(path)).toBe(false);
  } finally {
    process.umask(before);
  }
});

test('a socket nobody listens on is replaced', async () => {
  mkdirSync(join(folder, 'one'));
  const dead = createServer().listen(path);
  await new Promise((resolve) => dead.once('listening', resolve));
  // Node removes the file on close; a killed agent does not.
  const kept = join(folder, 'kept');
  linkSync(path, kept);
  await closed(dead);
  linkSync(kept, path);
  expect(await probe(path)).toBe('ECONNREFUSED');
  await listening();
  expect(await probe(path)).toBe('open');
});

test('a living agent’s socket stays', async () => {
  await listening();
  await expect(listen(path, () => undefined)).rejects.toMatchObject({
    code: 'refused',
    message: `Cannot listen on '${path}': another agent answers there`,
  });
  expect(await probe(path)).toBe('open');
});

test('a file that is no socket stays', async () => {
  mkdirSync(join(folder, 'one'));
  writeFileSync(path, 'mine');
  await expect(listen(path, () => undefined)).rejects.toMatchObject({ code: 'refused' });
  expect(readFileSync(path, 'utf8')).toBe('mine');
});

test('a folder that is a link is refused', async () => {
  mkdirSync(join(folder, 'elsewhere'));
  chmodSync(join(folder, 'elsewhere'), 0o755);
  symlinkSync(join(folder, 'elsewhere'), join(folder, 'one'));
  await expect(listen(path, () => undefined)).rejects.toMatchObject({ code: 'refused', field: 'runDir' });
  expect(mode(join(folder, 'elsewhere'))).toBe('755');
});

test('a path the kernel cannot take is refused before anything is made', async () => {
  path = join(folder, 'x'.repeat(100), 'admin.sock');
  await expect(listen(path, () => undefined)).rejects.toMatchObject({
    code: 'invalid',
    allowed: "a path of at most 107 bytes with the socket's name",
  });
  expect(existsSync(join(folder, 'x'.repeat(100)))).toBe(false);
});

test('where a socket cannot be probed the kernel’s word is told', async () => {
  expect(await probe(path)).toBe('ENOENT');
});
