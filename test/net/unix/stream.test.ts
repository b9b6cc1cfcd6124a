import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import type { UnixStream } from '../../../src/net/unix/stream.ts';
import { eventually } from '../../pods.ts';
import { random } from '../../wire/random.ts';
import { collect, Sockets } from './sockets.ts';

let sockets: Sockets;
beforeEach(() => {
  sockets = new Sockets();
});
afterEach(async () => {
  await sockets.close();
});

const patience = (): AbortSignal => AbortSignal.timeout(20_000);

/** Bytes whose place in the stream can be told. */
function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const rounds = Number(process.env.VWIRE_N ?? 8);
test(`what is written arrives byte for byte, with every descriptor, ${rounds} times both ways`, async () => {
  sockets.listen();
  const { seed, next } = random();
  console.log(`VWIRE_SEED=${seed}`);
  const files = Array.from({ length: 20 }, (_, i) => {
    writeFileSync(`${sockets.folder}/file${i}`, '');
    return openSync(`${sockets.folder}/file${i}`, 'r');
  });
  const identities = files.map((fd) => {
    const { dev, ino } = fstatSync(fd);
    return { dev, inode: ino };
  });

  /** All of the files and a lot of bytes in pieces of any size, to a reader that now and then stands still. */
  const speak = async (from: UnixStream, to: UnixStream): Promise<void> => {
    const sent = pattern(files.length + Math.floor(next() ** 3 * 2_000_000), seed);
    const received = collect(to);
    const taken = Promise.all(identities.map((identity) => to.descriptors.take(identity, patience())));
    const unsent = new Set(files);
    for (let at = 0; at < sent.length;) {
      // So many at once that some are left over when a short write is through.
      for (const fd of unsent) if (next() < 0.2 && unsent.delete(fd)) from.pass(fd);
      const piece = next() < 0.4 ? 1 + Math.floor(next() * 8) : 1 + Math.floor(next() ** 3 * 300_000);
      // The last bytes go one by one and carry what has not been passed until then.
      const length = Math.max(1, Math.min(piece, sent.length - files.length - at));
      if (at >= sent.length - files.length) for (const fd of unsent) if (unsent.delete(fd)) from.pass(fd);
      if (next() < 0.1) {
        to.pause();
        setTimeout(() => to.resume(), next() * 10);
      }
      if (!from.write(sent.subarray(at, at + length)) && next() < 0.5) await once(from, 'drain');
      at += length;
    }
    await eventually(() => {
      expect(received.length).toBe(sent.length);
    });
    expect(Buffer.concat(received.chunks).equals(sent)).toBe(true);
    for (const fd of await taken) closeSync(fd);
  };
  try {
    for (let round = 0; round < rounds; round++) {
      const [client, server] = await sockets.pair();
      await Promise.all([speak(client, server), speak(server, client)]);
      client.end();
      server.end();
      await eventually(() => {
        expect([client.closed, server.closed]).toEqual([true, true]);
      });
    }
  } finally {
    for (const fd of files) closeSync(fd);
  }
});

test('a reader that stands still stops the writer, and gets all of it in the end', async () => {
  sockets.listen();
  const [client, server] = await sockets.pair();
  const sent = pattern(8 * 1024 * 1024, 1);
  let written = false;
  client.end(sent, () => {
    written = true;
  });
  server.once('readable', () => undefined);
  await eventually(() => {
    expect(server.readableLength).toBeGreaterThan(0);
  });
  // Until nothing moves any more.
  for (let before = -1; before !== server.readableLength;) {
    before = server.readableLength;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(written).toBe(false);
  expect(server.readableLength).toBeLessThanOrEqual(128 * 1024);
  const received = collect(server);
  server.resume();
  await eventually(() => {
    expect(received.length).toBe(sent.length);
  });
  expect(Buffer.concat(received.chunks).equals(sent)).toBe(true);
  expect(written).toBe(true);
});

test('a peer that does not read stops our writing', async () => {
  sockets.listen();
  const [peer, stream] = await sockets.pythonPair();
  const sent = pattern(4 * 1024 * 1024, 2);
  expect(stream.write(sent)).toBe(false);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(stream.writableLength).toBeGreaterThan(0);
  const drained = once(stream, 'drain');
  await peer.do('import hashlib; h = hashlib.sha256(); n = 0');
  await peer.do(`while n < ${sent.length}: b = s.recv(100000); n += len(b); h.update(b)`);
  expect(await peer.do('out = h.hexdigest()')).toBe(createHash('sha256').update(sent).digest('hex'));
  await drained;
});

test('each side ends its own direction', async () => {
  sockets.listen();
  const [peer, stream] = await sockets.pythonPair();
  const received = collect(stream);
  const ended = once(stream, 'end');
  await peer.do('s.send(b"question"); s.shutdown(socket.SHUT_WR)');
  await ended;
  expect(Buffer.concat(received.chunks).toString()).toBe('question');
  stream.end('answer');
  expect(await peer.do('out = s.recv(100).decode(); assert s.recv(1) == b""')).toBe('answer');
  await eventually(() => {
    expect(stream.closed).toBe(true);
  });
});

test('our end first, then the peer goes on and ends too', async () => {
  sockets.listen();
  const [peer, stream] = await sockets.pythonPair();
  const received = collect(stream);
  stream.end('last words');
  expect(await peer.do('out = s.recv(100).decode(); assert s.recv(1) == b""')).toBe('last words');
  await peer.do('s.send(b"good bye"); s.close()');
  await eventually(() => {
    expect(stream.closed).toBe(true);
  });
  expect(Buffer.concat(received.chunks).toString()).toBe('good bye');
});

test('a peer that is gone is EPIPE to a writer and ECONNRESET to a reader whose bytes it never read', async () => {
  sockets.listen();
  const [reader, toReader] = await sockets.pythonPair();
  const failed = once(toReader, 'error');
  toReader.write('never read');
  toReader.resume();
  await reader.do('s.close()');
  expect((await failed)[0]).toMatchObject({
    code: 'ECONNRESET',
    message: `Read from '${toReader.id}' failed: ECONNRESET (Connection reset by peer)`,
  });

  const [writer, toWriter] = await sockets.pythonPair();
  const broken = once(toWriter, 'error');
  await writer.do('s.close()');
  const told = new Promise((resolve) => toWriter.write('to nobody', resolve));
  expect((await broken)[0]).toMatchObject({
    code: 'EPIPE',
    message: `Write to '${toWriter.id}' failed: EPIPE (Broken pipe)`,
  });
  expect(await told).toMatchObject({ code: 'EPIPE' });
});

test('a killed peer ends the stream', async () => {
  sockets.listen();
  const [peer, stream] = await sockets.pythonPair();
  const ended = once(stream.resume(), 'end');
  peer.process.kill('SIGKILL');
  await ended;
  stream.end();
  await eventually(() => {
    expect(stream.closed).toBe(true);
  });
});

test('destroyed in the middle of a write, it tells the writer and closes everything once', async () => {
  sockets.listen();
  const [, stream] = await sockets.pythonPair();
  const told = new Promise<unknown>((resolve) => stream.write(Buffer.alloc(8 * 1024 * 1024), resolve));
  stream.pass(0);
  stream.destroy();
  stream.destroy();
  expect(await told).toMatchObject({ message: 'Write: the connection is closed' });
  // Whoever opens something now gets the number that was the socket's: a second close would take it away.
  const files = Array.from({ length: 8 }, () => openSync('/proc/self/status', 'r'));
  await once(stream, 'close');
  for (const fd of files) {
    expect(fstatSync(fd).isFile()).toBe(true);
    closeSync(fd);
  }
  expect(() => {
    stream.pass(0);
  }).toThrow('Pass descriptor: the connection is closed');
  await expect(stream.descriptors.take({ dev: 4, inode: 1 }, patience())).rejects.toThrow(
    'Take descriptor: the connection is closed',
  );
});

test('what no write follows is not passed but closed', async () => {
  sockets.listen();
  const [client, server] = await sockets.pair();
  server.resume();
  client.pass(0);
  client.end();
  await once(server, 'end');
  expect(server.descriptors.count).toBe(0);
});

test('of descriptors that wait for bytes there may be 256', async () => {
  sockets.listen();
  const [client] = await sockets.pair();
  for (let i = 0; i < 256; i++) client.pass(0);
  expect(() => {
    client.pass(0);
  }).toThrow(
    `Pass descriptor on '${client.id}' failed: ETOOMANYREFS (Too many references: cannot splice): at most 256 may wait for bytes to go with`,
  );
  expect(() => {
    client.pass(-1);
  }).toThrow(/at most 256/);
});

test('a descriptor that is none is refused at once', async () => {
  sockets.listen();
  const [client] = await sockets.pair();
  expect(() => {
    client.pass(-1);
  }).toThrow("Duplicate 'descriptor -1' failed: EBADF (Bad file descriptor)");
});
