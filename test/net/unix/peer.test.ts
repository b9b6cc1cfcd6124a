import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import type { FileIdentity } from '../../../src/file-identity.ts';
import { ownNetns } from '../../../src/net/netns.ts';
import { eventually } from '../../pods.ts';
import { Sockets } from './sockets.ts';

let sockets: Sockets;
beforeEach(() => {
  sockets = new Sockets();
});
afterEach(async () => {
  await sockets.close();
});

const netnsOf = (pid: number): FileIdentity => {
  const { dev, ino } = statSync(`/proc/${pid}/ns/net`);
  return { dev, inode: ino };
};

test('a process of the node is told by number, user and group, and is in our namespaces', async () => {
  sockets.listen();
  const [peer, { peer: seen }] = await sockets.pythonPair();
  expect({ ...seen }).toMatchObject({ pid: await peer.pid(), uid: 0, gid: 0, inOwnNamespaces: true });
  expect(seen.currentNetns()).toEqual(ownNetns());
});

test('who connects sees who listens', async () => {
  const peer = sockets.python('unshare', '--net');
  await peer.do('l = socket.socket(socket.AF_UNIX); l.bind(path); l.listen(1)');
  const stream = await sockets.connect();
  expect(stream.peer.pid).toBe(await peer.pid());
  expect(stream.peer.currentNetns()).toEqual(netnsOf(stream.peer.pid));
  expect(stream.peer.currentNetns()).not.toEqual(ownNetns());
});

test('another user is told, in the namespaces of the node', async () => {
  sockets.listen();
  const peer = sockets.python();
  const next = sockets.next();
  await peer.do('os.setgid(2000); os.setuid(1000); s = connect()');
  const { peer: seen } = await next;
  expect({ ...seen }).toMatchObject({ uid: 1000, gid: 2000, inOwnNamespaces: true });
});

test('another network namespace alone is no other node; the namespace is followed', async () => {
  sockets.listen();
  const [peer, { peer: seen }] = await sockets.pythonPair('unshare', '--net');
  expect(seen.inOwnNamespaces).toBe(true);
  const first = netnsOf(await peer.pid());
  expect(seen.currentNetns()).toEqual(first);
  await peer.do('import ctypes; out = ctypes.CDLL(None).unshare(0x40000000)');
  expect(seen.currentNetns()).toEqual(netnsOf(await peer.pid()));
  expect(seen.currentNetns()).not.toEqual(first);
});

test.each([
  ['pid', ['unshare', '--pid', '--fork', '--kill-child', '--net']],
  ['user', ['unshare', '--user', '--map-root-user', '--net']],
])('root in another %s namespace is not in ours', async (_kind, command) => {
  sockets.listen();
  const [, { peer: seen }] = await sockets.pythonPair(...command);
  expect(seen.uid).toBe(0);
  expect(seen.inOwnNamespaces).toBe(false);
  expect(seen.currentNetns()).toEqual(netnsOf(seen.pid));
  expect(seen.currentNetns()).not.toEqual(ownNetns());
});

test('a process that has ended is in no namespace, whoever has its socket now', async () => {
  sockets.listen();
  const [peer, stream] = await sockets.pythonPair();
  await peer.leaveToChild();
  expect(stream.peer.currentNetns()).toBeNull();
  stream.write('?');
  await once(stream, 'readable');
  expect(String(stream.read())).toBe('here');
});

test('another process with the number of one that has ended is not taken for it', async () => {
  sockets.listen();
  const [peer, stream] = await sockets.pythonPair();
  const { pid } = stream.peer;
  await peer.leaveToChild();
  let again = spawn('true');
  for (let i = 0; i < 1000 && again.pid !== pid; i++) {
    again.kill('SIGKILL');
    // The next number the kernel gives is the one after.
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    again = spawn('unshare', ['--net', 'sleep', '60']);
  }
  try {
    expect(again.pid).toBe(pid);
    await eventually(() => {
      expect(netnsOf(pid)).not.toEqual(ownNetns());
    });
    expect(stream.peer.pid).toBe(pid);
    expect(stream.peer.currentNetns()).toBeNull();
  } finally {
    again.kill('SIGKILL');
  }
});

test('a process that ended before it was accepted is known by number and user only', async () => {
  sockets.listen();
  // Nothing is accepted while this waits.
  const script =
    'import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(b"x")';
  const { pid, status } = spawnSync('python3', ['-c', script, sockets.path]);
  expect(status).toBe(0);
  const { peer: seen } = await sockets.next();
  expect(seen).toMatchObject({ pid, uid: 0, inOwnNamespaces: false });
  expect(seen.currentNetns()).toBeNull();
});

// Nobody below can look up: the listener is in a pid namespace of its own, and we are outside.
test.each([
  ['with its own /proc', ['--mount-proc']],
  ["with its parent's /proc", []],
])('a peer outside of the own pid namespace is hidden, %s', async (_proc, options) => {
  const script = `
    const { listenUnix } = await import('${process.cwd()}/dist/src/net/unix/listen.js');
    const listener = listenUnix({ path: '${sockets.path}', mode: 0o666, onRefused: console.error,
      onConnection: ({ peer }) => {
        console.log(JSON.stringify([peer.pid, peer.uid, peer.inOwnNamespaces, peer.currentNetns()]));
        process.exit();
      } });
    console.log('listening');`;
  const child = spawn(
    'unshare',
    ['--pid', '--fork', '--kill-child', ...options, process.execPath, '--input-type=module', '-e', script],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: string[] = [];
  child.stdout.on('data', (text: Buffer) => lines.push(String(text)));
  await eventually(() => {
    expect(lines.join('')).toContain('listening');
  });
  const peer = sockets.python();
  await peer.do('s = connect()');
  await once(child, 'exit');
  expect(lines.join('').split('\n')[1]).toBe('[0,0,false,null]');
});
