import { closeSync, fstatSync, openSync, readSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { NsmPlace, until } from '../../../../test/nsm/place.ts';
import type { UnixStream } from '../../../net/unix/stream.ts';
import { ConnectionSchema } from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema } from '../proto/networkservice_pb.ts';
import type { Call, NsmServices } from './services.ts';

let place: NsmPlace;
let request: NsmServices['request'];
const asked = create(NetworkServiceRequestSchema);

beforeEach(async () => {
  place = await NsmPlace.open({ request: (message, call) => request(message, call) });
});

afterEach(() => place.close());

const identityOf = (fd: number): { dev: number; inode: number } => {
  const { dev, ino } = fstatSync(fd);
  return { dev, inode: ino };
};

function file(text: string): number {
  const path = join(place.folder, text);
  writeFileSync(path, text);
  return openSync(path, 'r');
}

/** Closes it. */
function contentOf(fd: number): string {
  const bytes = Buffer.alloc(64);
  const length = readSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
  return bytes.toString('utf8', 0, length);
}

const streamOf = ({ caller }: Call): UnixStream => {
  if (caller.kind !== 'unix') throw new Error(caller.kind);
  return caller.stream;
};

describe('a descriptor arrives with the call it was passed for', () => {
  test.each([1, 3])('%d of them, on the first call and on later ones', async (count) => {
    const fds = Array.from({ length: count }, (_, i) => file(`file ${i}`));
    const read: string[] = [];
    request = async (_message, call) => {
      for (const fd of fds)
        read.push(contentOf(await streamOf(call).descriptors.take(identityOf(fd), call.signal)));
      return create(ConnectionSchema);
    };
    for (let i = 0; i < 3; i++) await place.client.request(asked, { pass: fds });
    const each = fds.map((_, i) => `file ${i}`);
    expect(read).toEqual([...each, ...each, ...each]);
    for (const fd of fds) closeSync(fd);
  });

  test('also on a connection made anew', async () => {
    const fd = file('again');
    const read: string[] = [];
    request = async (_message, call) => {
      read.push(contentOf(await streamOf(call).descriptors.take(identityOf(fd), call.signal)));
      return create(ConnectionSchema);
    };
    await place.client.request(asked, { pass: [fd] });
    place.client.stream()?.destroy();
    await until(() => place.client.stream() === null);
    await place.client.request(asked, { pass: [fd] });
    expect(read).toEqual(['again', 'again']);
    closeSync(fd);
  });

  test('of fifty at once each its own', async () => {
    const fds = Array.from({ length: 50 }, (_, i) => file(`file ${i}`));
    request = async ({ connection }, call) => {
      const fd = fds[Number(connection?.id)] ?? -1;
      const text = contentOf(await streamOf(call).descriptors.take(identityOf(fd), call.signal));
      return create(ConnectionSchema, { id: text });
    };
    const answers = await Promise.all(
      fds.map((fd, i) =>
        place.client.request(create(NetworkServiceRequestSchema, { connection: { id: String(i) } }), {
          pass: [fd],
        }),
      ),
    );
    expect(answers.map(({ id }) => id)).toEqual(fds.map((_, i) => `file ${i}`));
    for (const fd of fds) closeSync(fd);
  });
});

test('a descriptor arrives with the answer', async () => {
  const fd = file('mine');
  request = async (_message, call) => {
    streamOf(call).pass(fd);
    return create(ConnectionSchema);
  };
  const streams: UnixStream[] = [];
  await place.client.request(asked, { onStream: (carrier) => streams.push(carrier) });
  const [stream] = streams;
  if (stream === undefined) throw new Error('No stream');
  expect(contentOf(await stream.descriptors.take(identityOf(fd), AbortSignal.timeout(10_000)))).toBe('mine');
  closeSync(fd);
});

test('a descriptor that does not come is waited for until the deadline', async () => {
  request = async (_message, call) => {
    closeSync(await streamOf(call).descriptors.take({ dev: 1, inode: 2 }, call.signal));
    return create(ConnectionSchema);
  };
  await expect(place.client.request(asked, { deadline: Date.now() + 100 })).rejects.toMatchObject({
    code: 'timeout',
  });
  await until(() => place.server.open === 0);
});

test('a descriptor that is none fails the call before it is sent', async () => {
  let calls = 0;
  request = async () => {
    calls++;
    return create(ConnectionSchema);
  };
  await expect(place.client.request(asked, { pass: [987_654] })).rejects.toMatchObject({
    code: 'invalid',
    field: 'pass',
    message: expect.stringMatching(`^Cannot pass descriptor 987654 to '${place.url}': .*EBADF`),
  });
  expect(calls).toBe(0);
});

test('a thousand calls leave no descriptor, call or connection behind', async () => {
  const fd = file('thing');
  request = async (_message, call) => {
    closeSync(await streamOf(call).descriptors.take(identityOf(fd), call.signal));
    return create(ConnectionSchema);
  };
  const round = async (): Promise<void> => {
    const client = place.another();
    await Promise.all(Array.from({ length: 10 }, () => client.request(asked, { pass: [fd] })));
    client.dispose();
    await until(() => place.server.connections === 0 && place.server.open === 0);
  };
  const open = (): number => readdirSync('/proc/self/fd').length;
  await round();
  const before = open();
  for (let i = 0; i < 100; i++) await round();
  // A descriptor is closed with its stream, which the event loop may be about to do.
  await until(() => open() <= before);
  closeSync(fd);
});
