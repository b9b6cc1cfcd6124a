// Long because every way to take a place, or to be refused it, is tested with one listener.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { connectUnix } from '../../../src/net/unix/connect.ts';
import { eventually } from '../../pods.ts';
import { leaveDescriptors } from './rlimit.ts';
import { Sockets } from './sockets.ts';

let sockets: Sockets;
beforeEach(() => {
  sockets = new Sockets();
});
afterEach(async () => {
  await sockets.close();
});

test('the directory is made for all to read, the socket has its mode whatever the umask', () => {
  const path = `${sockets.folder}/new/deeper/a.sock`;
  const mask = process.umask(0o077);
  try {
    sockets.listen({ path, mode: 0o666 });
    expect(lstatSync(path).mode & 0o7777).toBe(0o666);
  } finally {
    process.umask(mask);
  }
  sockets.listen({ path: `${sockets.folder}/other/a.sock`, mode: 0o600 });
  expect(statSync(`${sockets.folder}/other`).mode & 0o7777).toBe(0o755);
  expect(lstatSync(`${sockets.folder}/other/a.sock`).mode & 0o7777).toBe(0o600);
});

const allowed = 'allowed is an absolute path of at most 107 bytes, which is what the kernel has room for';
test('a path the kernel has no room for is refused with its length', async () => {
  const folder = `${sockets.folder}/${'x'.repeat(89 - sockets.folder.length)}`;
  const longest = `${folder}/${'y'.repeat(16)}`;
  expect(longest).toHaveLength(107);
  sockets.listen({ path: longest });
  (await connectUnix(longest, AbortSignal.timeout(20_000))).destroy();
  expect(() => sockets.listen({ path: `${longest}z` })).toThrow(
    `path is '${longest}z': it has 108 bytes: ${allowed}`,
  );
  await expect(connectUnix('relative.sock', AbortSignal.timeout(20_000))).rejects.toThrow(
    `path is 'relative.sock': ${allowed}`,
  );
});

test('a directory in which others decide is refused', () => {
  const refused = (path: string, problem: string): void => {
    expect(() => sockets.listen({ path: `${path}/a.sock` })).toThrow(
      `path is '${path}/a.sock': ${path}: ${problem}: allowed is a socket in a directory of root's or the user's own`,
    );
    expect(existsSync(`${path}/a.sock`)).toBe(false);
  };
  const own = `${sockets.folder}/own`;
  mkdirSync(own);
  symlinkSync(own, `${sockets.folder}/link`);
  refused(`${sockets.folder}/link`, 'it is a link');
  chmodSync(own, 0o777);
  refused(own, 'everybody may write to it');
  chownSync(own, 1000, 1000);
  refused(own, 'it belongs to user 1000');
  writeFileSync(`${sockets.folder}/file`, '');
  expect(() => sockets.listen({ path: `${sockets.folder}/file/a.sock` })).toThrow(
    `Make directory '${sockets.folder}/file' failed: EEXIST (File exists)`,
  );
});

const taken = 'allowed is a path where nothing is, or a socket nobody listens on';
test('a socket of a dead process is replaced, that of a living one and another file stay', async () => {
  const peer = sockets.python();
  await peer.do('l = socket.socket(socket.AF_UNIX); l.bind(path); l.listen(0)');
  expect(() => sockets.listen()).toThrow(
    `path is '${sockets.path}': another process listens there: ${taken}`,
  );
  // The probe fills its backlog, and it is still somebody's.
  expect(() => sockets.listen()).toThrow('another process listens there');
  peer.process.kill('SIGKILL');
  await once(peer.process, 'exit');
  expect(lstatSync(sockets.path).isSocket()).toBe(true);
  sockets.listen();
  await sockets.pair();

  const file = `${sockets.folder}/file`;
  writeFileSync(file, 'precious');
  expect(() => sockets.listen({ path: file })).toThrow(
    `path is '${file}': a file that is no socket is there: ${taken}`,
  );
  expect(lstatSync(file).isFile()).toBe(true);
});

test('closing removes the socket, but not what another has put there since', async () => {
  const first = sockets.listen();
  const [client, server] = await sockets.pair();
  renameSync(sockets.path, `${sockets.path}.moved`);
  const second = sockets.listen();
  first.close();
  first.close();
  expect(existsSync(sockets.path)).toBe(true);
  unlinkSync(`${sockets.path}.moved`);
  second.close();
  expect(existsSync(sockets.path)).toBe(false);
  // What was accepted goes on.
  client.write('hello');
  await once(server, 'readable');
  expect(String(server.read())).toBe('hello');
});

test('connecting where nobody listens is an error that names the path', async () => {
  const patience = AbortSignal.timeout(20_000);
  await expect(connectUnix(sockets.path, patience)).rejects.toMatchObject({
    code: 'ENOENT',
    message: `Connect to '${sockets.path}' failed: ENOENT (No such file or directory)`,
  });
  const peer = sockets.python();
  await peer.do('l = socket.socket(socket.AF_UNIX); l.bind(path)');
  await expect(connectUnix(sockets.path, patience)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a full backlog is waited for until there is room, or until that is given up', async () => {
  const peer = sockets.python();
  await peer.do('l = socket.socket(socket.AF_UNIX); l.bind(path); l.listen(0); first = connect()');
  const impatient = new AbortController();
  const given = connectUnix(sockets.path, impatient.signal);
  const waiting = sockets.connect();
  await new Promise((resolve) => setImmediate(resolve));
  impatient.abort();
  await expect(given).rejects.toMatchObject({
    name: 'AbortError',
    message: `Connecting to '${sockets.path}' was given up: its backlog is full`,
  });
  await expect(connectUnix(sockets.path, impatient.signal)).rejects.toThrow(
    `Connecting to '${sockets.path}' was given up`,
  );
  await peer.do('a = l.accept()');
  expect((await waiting).peer.pid).toBe(await peer.pid());
});

test('of more connections than there may be the last are closed at once, until one has ended', async () => {
  const listener = sockets.listen({ maxConnections: 2 });
  const [first] = await sockets.pair();
  await sockets.pair();
  expect(listener.connections).toBe(2);
  const refused = await sockets.connect();
  await once(refused.resume(), 'end');
  expect(sockets.refused).toMatchObject([{ kind: 'total', limit: 2, peer: { pid: process.pid } }]);
  first.destroy();
  for (const stream of sockets.accepted) stream.resume().on('end', () => stream.end());
  await eventually(() => {
    expect(listener.connections).toBe(1);
  });
  await sockets.pair();
});

const connectMany =
  'ss = [connect() for i in range(5)]\nfor s in ss: s.settimeout(20)\n' +
  'def left():\n n = 0\n for s in ss:\n  try: s.send(b"x"); n += s.recv(1) == b"x"\n  except OSError: pass\n return n';
const echo = (): void => {
  for (const stream of sockets.accepted) if (stream.listenerCount('data') === 0) stream.pipe(stream);
};

test('one user gets only so many, whatever namespaces it makes; others and root get theirs', async () => {
  sockets.listen({
    maxConnectionsPerOrigin: 3,
    onConnection: (stream) => {
      sockets.accepted.push(stream);
      stream.on('error', () => undefined);
      echo();
    },
  });
  const user = sockets.python();
  await user.do(`os.setuid(1000)\n${connectMany}`);
  expect(await user.do('out = left()')).toBe(3);
  expect(sockets.refused).toMatchObject([
    { kind: 'origin', origin: 'user 1000', limit: 3, peer: { uid: 1000 } },
    { kind: 'origin' },
  ]);
  // The same user with a namespace of its own, in which it is root.
  const disguised = sockets.python(
    'setpriv',
    '--reuid=1000',
    '--clear-groups',
    'unshare',
    '--user',
    '--map-root-user',
    '--net',
  );
  await disguised.do(connectMany);
  expect(await disguised.do('out = left()')).toBe(0);
  const other = sockets.python();
  await other.do(`os.setuid(1001)\n${connectMany}`);
  expect(await other.do('out = left()')).toBe(3);
  const root = sockets.python();
  await root.do(connectMany);
  expect(await root.do('out = left()')).toBe(5);
});

test('one container gets only so many, whatever namespaces it makes; others get theirs', async () => {
  sockets.listen({
    maxConnectionsPerOrigin: 3,
    onConnection: (stream) => {
      sockets.accepted.push(stream);
      stream.on('error', () => undefined);
      echo();
    },
  });
  const container = ['unshare', '--pid', '--fork', '--kill-child', '--net'];
  const pod = sockets.python(...container);
  await pod.do(connectMany);
  expect(await pod.do('out = left()')).toBe(3);
  // A child of it in namespaces below, as another user too.
  await pod.do(
    'import ctypes; libc = ctypes.CDLL(None); assert libc.unshare(0x20000000 | 0x40000000) == 0\n' +
      'r, w = os.pipe(); child = os.fork()\n' +
      'if child == 0:\n os.setuid(1000)\n ss = [connect() for i in range(5)]\n os.write(w, b"%d" % left())\n os._exit(0)\n' +
      'os.waitpid(child, 0); out = None',
  );
  expect(await pod.do('out = os.read(r, 10).decode()')).toBe('0');
  expect(new Set(sockets.refused.map((why) => (why.kind === 'origin' ? why.origin : why.kind))).size).toBe(1);
  const next = sockets.python(...container);
  await next.do(connectMany);
  expect(await next.do('out = left()')).toBe(3);
  // What has ended counts no more.
  await pod.do('for s in ss: s.close()');
  await eventually(() => {
    expect(sockets.accepted.filter((stream) => !stream.closed)).toHaveLength(3);
  });
  await pod.do(connectMany);
  expect(await pod.do('out = left()')).toBe(3);
});

test('without descriptors nobody is accepted for a moment; who waits is accepted once there are some', async () => {
  sockets.listen();
  const peer = sockets.python();
  const restore = leaveDescriptors(0);
  try {
    await peer.do('s = connect()');
    await eventually(() => {
      expect(sockets.refused.length).toBeGreaterThan(1);
    });
    expect(sockets.refused[0]).toMatchObject({
      kind: 'failed',
      error: { code: 'EMFILE', message: `Accept on '${sockets.path}' failed: EMFILE (Too many open files)` },
    });
  } finally {
    restore();
  }
  await sockets.next();
});

test('descriptors that find no room in this process are lost and counted, the bytes are not', async () => {
  const dropped: number[] = [];
  sockets.listen({
    onDropped: (_stream, total) => {
      dropped.push(total);
    },
  });
  const [peer, stream] = await sockets.pythonPair();
  await peer.do('fs = [os.memfd_create("m") for i in range(50)]');
  const restore = leaveDescriptors(5);
  try {
    await peer.do('socket.send_fds(s, [b"bytes"], fs)');
    await once(stream, 'readable');
    expect(String(stream.read())).toBe('bytes');
  } finally {
    restore();
  }
  expect(stream.descriptors.count).toBe(5);
  expect(dropped).toEqual([1]);
});

test('what is unreferenced lets the process end, even with something left to do', async () => {
  const script = `
    const { listenUnix } = await import('${process.cwd()}/dist/src/net/unix/listen.js');
    const { connectUnix } = await import('${process.cwd()}/dist/src/net/unix/connect.js');
    const options = { path: '${sockets.path}', mode: 0o666, onRefused: console.error };
    let listener;
    const accepted = new Promise((onConnection) => {
      listener = listenUnix({ ...options, onConnection });
    });
    const client = await connectUnix('${sockets.path}', AbortSignal.timeout(20_000));
    const server = await accepted;
    for (const stream of [client, server]) stream.resume().unref();
    listener.unref();
    await connectUnix('${sockets.path}', AbortSignal.timeout(20_000));
    client.write('never read');
    console.log('all done');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  const said: string[] = [];
  child.stdout.on('data', (text: Buffer) => said.push(String(text)));
  child.stderr.on('data', (text: Buffer) => said.push(String(text)));
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(said.join('')).toBe('all done\n');
});
