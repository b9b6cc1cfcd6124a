import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { closeSync, fstatSync, openSync, statSync, writeFileSync } from 'node:fs';
import type { FileIdentity } from '../../../src/file-identity.ts';
import { openFds } from '../../fds.ts';
import { eventually } from '../../pods.ts';
import { collect, Sockets } from './sockets.ts';

let sockets: Sockets;
let dropped: number[];
beforeEach(() => {
  sockets = new Sockets();
  dropped = [];
  sockets.listen({
    onDropped: (_stream, total) => {
      dropped.push(total);
    },
  });
});
afterEach(async () => {
  await sockets.close();
});

const patience = (): AbortSignal => AbortSignal.timeout(20_000);
const identityOf = (fd: number): FileIdentity => {
  const { dev, ino } = fstatSync(fd);
  return { dev, inode: ino };
};
// What the peer says a descriptor of its own is.
const told = (value: unknown): FileIdentity => {
  const [dev, inode] = value as [number, number];
  return { dev, inode };
};

test('a namespace passed O_PATH, its own copy closed at once, arrives with its byte and is known by its name', async () => {
  const [peer, stream] = await sockets.pythonPair('unshare', '--net');
  const received = collect(stream);
  const identity = told(
    await peer.do(
      'f = os.open("/proc/self/ns/net", os.O_PATH); st = os.fstat(f); ' +
        'socket.send_fds(s, [b"x"], [f]); os.close(f); s.send(b"yz"); out = [st.st_dev, st.st_ino]',
    ),
  );
  const taken = await stream.descriptors.take(identity, patience());
  expect(identityOf(taken)).toEqual(identity);
  const { ino } = statSync('/proc/self/ns/net');
  expect(identity.inode).not.toBe(ino);
  // It can be entered: opened again for reading it is the namespace itself.
  const opened = openSync(`/proc/self/fd/${taken}`, 'r');
  expect(identityOf(opened)).toEqual(identity);
  closeSync(opened);
  closeSync(taken);
  await eventually(() => {
    expect(Buffer.concat(received.chunks).toString()).toBe('xyz');
  });
});

test('everyone who takes has a descriptor of their own, and it outlives the stream', async () => {
  const [peer, stream] = await sockets.pythonPair();
  stream.resume();
  const identity = told(
    await peer.do(
      'f = os.memfd_create("m"); os.write(f, b"text"); st = os.fstat(f); ' +
        'socket.send_fds(s, [b"x"], [f]); os.close(f); out = [st.st_dev, st.st_ino]',
    ),
  );
  const [first, second] = await Promise.all([
    stream.descriptors.take(identity, patience()),
    stream.descriptors.take(identity, patience()),
  ]);
  expect(first).not.toBe(second);
  expect(stream.descriptors.count).toBe(1);
  stream.destroy();
  expect(stream.descriptors.count).toBe(0);
  for (const fd of [first, second]) {
    expect(identityOf(fd)).toEqual(identity);
    closeSync(fd);
  }
});

test('who takes before it comes waits; who gives up is told so and disturbs nobody', async () => {
  const [peer, stream] = await sockets.pythonPair();
  stream.resume();
  const identity = told(
    await peer.do('f = os.memfd_create("m"); st = os.fstat(f); out = [st.st_dev, st.st_ino]'),
  );
  const impatient = new AbortController();
  const waiting = stream.descriptors.take(identity, patience());
  const given = stream.descriptors.take(identity, impatient.signal);
  impatient.abort(new Error('no time'));
  await expect(given).rejects.toMatchObject({
    name: 'AbortError',
    code: 'ABORT_ERR',
    message: `No descriptor of file inode://${identity.dev}/${identity.inode} was passed`,
    cause: { message: 'no time' },
  });
  await expect(stream.descriptors.take(identity, impatient.signal)).rejects.toThrow('was passed');
  await peer.do('socket.send_fds(s, [b"x"], [f])');
  closeSync(await waiting);

  const left = stream.descriptors.take({ dev: 1, inode: 2 }, patience());
  stream.destroy();
  await expect(left).rejects.toThrow('Take descriptor: the connection is closed');
});

test('the same file again and again is held once', async () => {
  const [peer, stream] = await sockets.pythonPair();
  const received = collect(stream);
  await peer.do(
    'f = os.open("/proc/self/ns/net", os.O_PATH)\nfor i in range(500): socket.send_fds(s, [b"x"], [f] * 3)',
  );
  await eventually(() => {
    expect(received.length).toBe(500);
  });
  expect([stream.descriptors.count, stream.descriptors.dropped]).toEqual([1, 0]);
});

test('of thousands a stream keeps 128, closes the rest at once and says how many', async () => {
  const [peer, stream] = await sockets.pythonPair();
  const received = collect(stream);
  const before = openFds().size;
  const sent = 20 * 253;
  await peer.do(
    'def many(n):\n' +
      ' fs = [os.memfd_create("m") for i in range(n)]\n' +
      ' socket.send_fds(s, [b"x"], fs)\n' +
      ' for f in fs: os.close(f)\n' +
      'for i in range(20): many(253)',
  );
  await eventually(() => {
    expect(received.length).toBe(20);
    expect(stream.descriptors.dropped).toBe(sent - 128);
    expect(openFds().size).toBeLessThan(before + 128 + 20);
  });
  expect(stream.descriptors.count).toBe(128);
  expect(dropped).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]);
  expect(stream.destroyed).toBe(false);
});

test('what was taken makes way for what is new', async () => {
  const [peer, stream] = await sockets.pythonPair();
  const received = collect(stream);
  await peer.do(
    'fs = [os.memfd_create("m") for i in range(130)]; ids = [[os.fstat(f).st_dev, os.fstat(f).st_ino] for f in fs]\n' +
      'for f in fs[:128]: socket.send_fds(s, [b"x"], [f])',
  );
  const names = ((await peer.do('out = ids')) as unknown[]).map(told);
  await eventually(() => {
    expect(received.length).toBe(128);
  });
  const take = async (index: number): Promise<void> => {
    closeSync(await stream.descriptors.take(names[index] ?? { dev: 0, inode: 0 }, patience()));
  };
  await take(7);
  await take(5);
  await peer.do('socket.send_fds(s, [b"x"], [fs[128]])');
  await take(128);
  await take(5);
  // The seventh went; of 5 and 128, which remain to make way, 128 was taken longer ago.
  await peer.do('socket.send_fds(s, [b"x"], [fs[129]])');
  await take(129);
  await take(5);
  expect(stream.descriptors.count).toBe(128);
  expect(stream.descriptors.dropped).toBe(0);
});

test('a descriptor of ours rides alone on one byte each, in order, and the rest follows plainly', async () => {
  const [peer, stream] = await sockets.pythonPair();
  const files = Array.from({ length: 3 }, (_, i) => {
    writeFileSync(`${sockets.folder}/f${i}`, `file ${i}`);
    return openSync(`${sockets.folder}/f${i}`, 'r');
  });
  for (const fd of files) {
    stream.pass(fd);
    closeSync(fd);
  }
  stream.write('abcdef');
  await peer.do(
    'def one():\n' +
      ' data, fds, flags, addr = socket.recv_fds(s, 1, 10)\n' +
      ' texts = [os.read(f, 100).decode() for f in fds]\n' +
      ' for f in fds: os.close(f)\n' +
      ' return [data.decode(), texts]',
  );
  expect(await peer.do('out = [one() for i in range(6)]')).toEqual([
    ['a', ['file 0']],
    ['b', ['file 1']],
    ['c', ['file 2']],
    ['d', []],
    ['e', []],
    ['f', []],
  ]);
});

test('more descriptors than bytes go with the next bytes', async () => {
  const [peer, stream] = await sockets.pythonPair();
  const own = openSync('/proc/self/ns/net', 'r');
  for (let i = 0; i < 5; i++) stream.pass(own);
  closeSync(own);
  stream.write('ab');
  await peer.do(
    'def many():\n data, fds, flags, addr = socket.recv_fds(s, 1, 10)\n for f in fds: os.close(f)\n return len(fds)',
  );
  expect(await peer.do('out = [many(), many()]')).toEqual([1, 1]);
  stream.write('cdefg');
  expect(await peer.do('out = [many() for i in range(5)]')).toEqual([1, 1, 1, 0, 0]);
});
