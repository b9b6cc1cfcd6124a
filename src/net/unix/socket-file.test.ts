import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countFds } from '../../../test/fds.ts';
import { connectUnix } from './connect.ts';
import type { Peer } from './peer.ts';
import { endOf, openSocketBelow, openSocketOf, seesOurFiles, socketFileOf } from './socket-file.ts';

const O_PATH = 0o10000000;
const never = new AbortController().signal;

let directory: string;
let server: Server;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vwire-unix-'));
  mkdirSync(join(directory, 'run/deep'), { recursive: true });
  server = createServer((socket) => socket.on('error', () => undefined)).listen(
    join(directory, 'run/s.sock'),
  );
  await once(server, 'listening');
});
afterEach(async () => {
  server.close();
  await once(server, 'close');
  rmSync(directory, { recursive: true });
});

const open = (path: string): string => join(directory, path);
const socketInode = (): number => statSync(open('run/s.sock')).ino;
const openFds = (): number => countFds(new RegExp(`^${directory}`));

async function below(path: string): Promise<number> {
  const root = openSync(directory, O_PATH | constants.O_DIRECTORY);
  try {
    const fd = await openSocketBelow(root, path);
    const { ino } = fstatSync(fd);
    closeSync(fd);
    return ino;
  } finally {
    closeSync(root);
  }
}

describe('a socket below a root', () => {
  test.each([
    ['/run/s.sock'],
    ['run//./s.sock'],
    ['/run/deep/../s.sock'],
    ['/../../run/s.sock'],
    ['/to-run/s.sock'],
    ['/absolute/s.sock'],
    ['/chain'],
    ['/run/deep/up/s.sock'],
    ['/out-and-in'],
  ])('%s', async (path) => {
    symlinkSync('run', open('to-run'));
    symlinkSync('/run', open('absolute'));
    symlinkSync('absolute/deep/../s.sock', open('chain'));
    symlinkSync('..', open('run/deep/up'));
    symlinkSync('../../../../../../run/s.sock', open('out-and-in'));
    const before = openFds();
    expect(await below(path)).toBe(socketInode());
    expect(openFds()).toBe(before);
  });

  test('is never one outside, wherever links lead', async () => {
    mkdirSync(open('jail'));
    for (const [name, target] of [
      ['absolute', open('run/s.sock')],
      ['relative', '../run/s.sock'],
      ['magic', '/proc/self/root'],
    ] as const)
      symlinkSync(target, open(`jail/${name}`));
    const root = openSync(open('jail'), O_PATH | constants.O_DIRECTORY);
    const before = openFds();
    for (const path of ['/absolute', '/relative', '/../run/s.sock', `/magic${open('run/s.sock')}`])
      await expect(openSocketBelow(root, path)).rejects.toThrow(
        `Open '${path}' failed: ENOENT (No such file or directory)`,
      );
    expect(openFds()).toBe(before);
    closeSync(root);
  });

  test.each([
    ['/none', 'ENOENT'],
    ['/run', 'ENOTSOCK'],
    ['/', 'ENOTSOCK'],
    ['/file', 'ENOTSOCK'],
    ['/file/s.sock', 'ENOTDIR'],
    ['/run/s.sock/..', 'ENOTDIR'],
    ['/loop', 'ELOOP'],
  ])('%s: %s', async (path, code) => {
    writeFileSync(open('file'), '');
    symlinkSync('loop', open('loop'));
    const before = openFds();
    await expect(below(path)).rejects.toMatchObject({ code, op: 'Open', object: path });
    expect(openFds()).toBe(before);
  });
});

describe('of a peer', () => {
  const listener = async (): Promise<{ peer: Peer; close: () => void }> => {
    const accepted = once(server, 'connection');
    const stream = await connectUnix(open('run/s.sock'), never);
    await accepted;
    return { peer: stream.peer, close: () => stream.destroy() };
  };

  test('that is this process itself', async () => {
    const { peer, close } = await listener();
    expect(seesOurFiles(peer)).toBe(true);
    const fd = await openSocketOf(peer, open('run/s.sock'), never);
    expect(socketFileOf(fd)).toMatchObject({ inode: socketInode(), uid: process.getuid?.() });
    closeSync(fd);
    close();
  });

  test('that has gone', async () => {
    const { peer, close } = await listener();
    close();
    expect(seesOurFiles(peer)).toBe(false);
    await expect(openSocketOf(peer, open('run/s.sock'), never)).rejects.toMatchObject({ code: 'ESRCH' });
  });

  test('is not waited for longer than the signal says, and what comes late is closed', async () => {
    const { peer, close } = await listener();
    const before = openFds();
    await expect(openSocketOf(peer, open('run/s.sock'), AbortSignal.abort())).rejects.toThrow(
      `Opening '${open('run/s.sock')}' was given up`,
    );
    const soon = new AbortController();
    const opening = openSocketOf(peer, open('run/s.sock'), soon.signal);
    soon.abort();
    await expect(opening).rejects.toThrow('was given up');
    closeSync(await openSocketOf(peer, open('run/s.sock'), never));
    expect(openFds()).toBe(before);
    close();
  });

  test('whose process ends', async () => {
    const path = open('child.sock');
    const script = `require('net').createServer((s) => s.on('error', () => {})).listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const stream = await connectUnix(path, never);
    const hasEnded = endOf(stream.peer);
    expect(hasEnded?.()).toBe(false);
    stream.destroy();
    expect(hasEnded?.()).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(hasEnded?.()).toBe(true);
    expect(endOf(stream.peer)).toBeNull();
  });
});

describe('what a descriptor tells', () => {
  test('of a socket’s file, whatever becomes of its path', () => {
    linkSync(open('run/s.sock'), open('other'));
    const fd = openSync(open('other'), O_PATH);
    const { dev, ino } = statSync(open('other'));
    rmSync(open('other'));
    expect(socketFileOf(fd)).toMatchObject({
      dev,
      inode: ino,
      mode: statSync(open('run/s.sock')).mode & 0o7777,
    });
    closeSync(fd);
  });

  test('of a file, a directory, a socket itself and of nothing: that it is none', async () => {
    writeFileSync(open('file'), '');
    for (const fd of [openSync(open('file'), O_PATH), openSync(directory, O_PATH)]) {
      expect(socketFileOf(fd)).toBeNull();
      closeSync(fd);
    }
    const stream = await connectUnix(open('run/s.sock'), never);
    const sockets = readdirSync('/proc/self/fd').map(Number);
    for (const fd of sockets) expect(socketFileOf(fd)).toBeNull();
    expect(socketFileOf(1_000_000)).toBeNull();
    stream.destroy();
  });
});
