import { afterEach, beforeEach, expect, test } from '@jest/globals';
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
