import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { fstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countFds } from '../../../../test/fds.ts';
import { Targets } from './targets.ts';

const O_PATH = 0o10000000;
let folder: string;
let servers: Server[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vwire-targets-'));
  servers = [];
});
afterEach(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

async function listen(name: string): Promise<string> {
  const path = join(folder, name);
  const server = createServer((socket) => socket.end(name)).listen(path);
  servers.push(server);
  await once(server, 'listening');
  return path;
}
const file = (path: string): [fd: number, { dev: number; inode: number }] => {
  const fd = openSync(path, O_PATH);
  const { dev, ino } = fstatSync(fd);
  return [fd, { dev, inode: ino }];
};
async function whoAnswers(url: string): Promise<string> {
  const socket = connect(url.replace('unix://', ''));
  const [data] = (await once(socket, 'data')) as [Buffer];
  return data.toString();
}
const openFds = (): number => countFds(new RegExp(`^${folder}`));

test('a socket is reached by its target as long as it is held, whatever becomes of its path', async () => {
  const targets = new Targets(join(folder, 'targets'));
  const path = await listen('s.sock');
  const { url, release } = targets.hold('e', ...file(path));
  rmSync(path);
  expect(await whoAnswers(url)).toBe('s.sock');
  release();
  release();
  await expect(whoAnswers(url)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('the same endpoint at the same socket has the same target until all have let go', async () => {
  const targets = new Targets(join(folder, 'targets'));
  const [s, t] = [await listen('s.sock'), await listen('t.sock')];
  const before = openFds();
  const first = targets.hold('e', ...file(s));
  const again = targets.hold('e', ...file(s));
  expect([again.url, targets.count, openFds()]).toEqual([first.url, 1, before + 1]);
  const others = [targets.hold('f', ...file(s)), targets.hold('e', ...file(t))];
  expect(new Set([first.url, ...others.map(({ url }) => url)]).size).toBe(3);
  first.release();
  first.release();
  expect(await whoAnswers(again.url)).toBe('s.sock');
  for (const { release } of [again, ...others]) release();
  expect([targets.count, openFds(), readdirSync(join(folder, 'targets'))]).toEqual([0, before, []]);
});

test('a number that is used again leads nobody elsewhere', async () => {
  const targets = new Targets(join(folder, 'targets'));
  const [s, t] = [await listen('s.sock'), await listen('t.sock')];
  const one = targets.hold('e', ...file(s));
  one.release();
  const two = targets.hold('f', ...file(t));
  await expect(whoAnswers(one.url)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await whoAnswers(two.url)).toBe('t.sock');
  two.release();
});

test('another agent clears what is left, and gives the same socket the same target', async () => {
  const directory = join(folder, 'targets');
  const path = await listen('s.sock');
  const earlier = new Targets(directory).hold('e', ...file(path));
  mkdirSync(join(directory, 'strange'));
  writeFileSync(join(directory, 'strange/file'), '');
  const targets = new Targets(directory);
  expect(readdirSync(directory)).toEqual([]);
  const later = targets.hold('e', ...file(path));
  expect(later.url).toBe(earlier.url);
  expect(await whoAnswers(later.url)).toBe('s.sock');
  later.release();
  earlier.release();
});

test('what cannot be linked is not held', async () => {
  const directory = join(folder, 'targets');
  const targets = new Targets(directory);
  const path = await listen('s.sock');
  rmSync(directory, { recursive: true });
  const before = openFds();
  expect(() => targets.hold('e', ...file(path))).toThrow('ENOENT');
  expect([targets.count, openFds()]).toEqual([0, before]);
});
