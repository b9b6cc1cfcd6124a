import { afterEach, beforeEach, expect } from '@jest/globals';
import { closeSync, constants, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { skipUnless } from '../../skip.ts';
import { eventually } from '../../pods.ts';
import type { PythonPeer } from './peer.ts';
import { collect, Sockets } from './sockets.ts';

const { test } = skipUnless(canServeFuse(), '/dev/fuse cannot be opened');

function canServeFuse(): boolean {
  try {
    closeSync(openSync('/dev/fuse', constants.O_RDWR));
    return true;
  } catch {
    // No module, no device, or not ours to use: all the same here.
    return false;
  }
}

// <linux/fuse.h>, just enough for one file that can be opened. Who asks anything else, or closes it, waits until
// the server dies. That is a process of its own: one with files of its own file system waits for itself when it ends.
const silentFileSystem = `
import ctypes
mnt = path + ".fuse"
os.mkdir(mnt)
r, w = os.pipe()
server = os.fork()
if server == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    dev = os.open("/dev/fuse", os.O_RDWR)
    options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % dev
    assert libc.mount(b"silent", mnt.encode(), b"fuse", 0, options) == 0
    os.write(w, b"x")
    INIT, LOOKUP, OPEN = 26, 1, 14
    attr = struct.pack("<QQQQQQIIIIIIIIII", 2, 0, 0, 0, 0, 0, 0, 0, 0, 0o100644, 1, 0, 0, 0, 4096, 0)
    answers = {
        INIT: struct.pack("<IIIIHHIIHHI28x", 7, 31, 0, 0, 16, 12, 65536, 1, 0, 0, 0),
        LOOKUP: struct.pack("<QQQQII", 2, 0, 0, 0, 0, 0) + attr,
        OPEN: struct.pack("<QII", 1, 0, 0),
    }
    while True:
        request = os.read(dev, 200000)
        _, opcode, unique = struct.unpack("<IIQ", request[:16])
        if opcode in answers:
            body = answers[opcode]
            os.write(dev, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)
os.read(r, 1)
fs = [os.open(mnt + "/file", os.O_RDONLY) for i in range(700)]
out = server
`;

let sockets: Sockets;
let server: number | null = null;
beforeEach(() => {
  sockets = new Sockets();
});
afterEach(async () => {
  endServer();
  await sockets.close();
});

/** A peer with 700 descriptors `fs` of a file whose file system never says a word when they are closed. */
async function silent(): Promise<PythonPeer> {
  // In a mount namespace of its own, where no other process meets the file system.
  const peer = sockets.python('unshare', '--mount');
  server = Number(await peer.do(silentFileSystem));
  return peer;
}

/** Whoever waits for the file system fails then. */
function endServer(): void {
  if (server !== null) process.kill(server, 'SIGKILL');
  server = null;
}

/** Both the event loop and the pool of threads go on. */
async function everythingGoesOn(): Promise<void> {
  const [client, server] = await sockets.pair();
  client.write('hello');
  await once(server, 'readable');
  expect(String(server.read())).toBe('hello');
  expect((await readFile('/proc/self/status', 'utf8')).length).toBeGreaterThan(0);
}

test('files of a file system that never answers hold up nobody, taken or closed', async () => {
  sockets.listen();
  const peer = await silent();
  const next = sockets.next();
  await peer.do('s = connect()');
  const stream = await next;
  const received = collect(stream);
  await peer.do('for f in fs[:3]: socket.send_fds(s, [b"x"], [f])');
  await eventually(() => {
    expect(received.length).toBe(3);
  });
  expect(stream.descriptors.count).toBe(1);
  await everythingGoesOn();
  stream.destroy();
  await everythingGoesOn();
  await everythingGoesOn();
});

test('whoever passes more of them than can be closed is cut off and let in no more', async () => {
  sockets.listen();
  // All of them now: exec closes as well, so nothing can be started while such a file is waiting to be closed.
  const [peer, other, again] = [await silent(), sockets.python(), sockets.python()];
  await other.do('os.setuid(1001)');
  await again.do('os.setuid(1000)');
  const next = sockets.next();
  await peer.do('os.setuid(1000); s = connect()');
  const stream = await next;
  stream.resume();
  const failed = once(stream, 'error');
  await peer.do('for i in range(7): socket.send_fds(s, [b"x"], fs[i * 100:i * 100 + 100])');
  expect((await failed)[0]).toMatchObject({
    message: `Read from '${stream.id}' failed: EMFILE (Too many open files): Descriptors come faster than they can be closed`,
  });
  await peer.do('s = connect(); assert s.recv(1) == b""');
  expect(sockets.refused).toMatchObject([{ kind: 'descriptors', origin: 'user 1000', limit: 512 }]);
  await everythingGoesOn();

  const accepted = sockets.next();
  await other.do('s = connect()');
  await accepted;
  // Once the file system is gone its files are closed, and they may come again.
  endServer();
  const refused =
    's = connect(); s.settimeout(0.1)\ntry: out = s.recv(1) == b""\nexcept TimeoutError: out = False';
  while ((await again.do(refused)) === true);
});
