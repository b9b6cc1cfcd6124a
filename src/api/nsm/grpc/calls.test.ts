import { type MessageInitShape, create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { NsmPlace, until } from '../../../../test/nsm/place.ts';
import { StockClient } from '../../../../test/nsm/stock.ts';
import { Failure, type FailureCode } from '../../../features/failure.ts';
import { Unreachable } from '../../unreachable.ts';
import { type Connection, ConnectionSchema } from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema } from '../proto/networkservice_pb.ts';
import type { Call, NsmServices } from './services.ts';

let place: NsmPlace;
let calls: Call[];
let answer: NsmServices['request'];

const asked = (connection: MessageInitShape<typeof ConnectionSchema>) =>
  create(NetworkServiceRequestSchema, { connection });
const connected = (id: string): Connection => create(ConnectionSchema, { id });

beforeEach(async () => {
  calls = [];
  answer = async ({ connection }) => connection ?? connected('none');
  place = await NsmPlace.open({
    request: async (request, call) => {
      calls.push(call);
      return answer(request, call);
    },
    close: async (connection, call) => {
      await answer(asked(connection), call);
    },
  });
});

afterEach(async () => {
  await place.close();
});

test('a request is answered', async () => {
  answer = async ({ connection }) =>
    create(ConnectionSchema, { id: connection?.id ?? '', payload: 'ETHERNET' });
  expect(await place.client.request(asked({ id: 'a' }))).toMatchObject({ id: 'a', payload: 'ETHERNET' });
});

test('a close is answered with nothing', async () => {
  await expect(place.client.close(connected('a'))).resolves.toBeUndefined();
});

test('fields that nobody here knows come back', async () => {
  // Field 900 in the connection and in its path, text and number.
  const unknown = Buffer.from('a2380568656c6c6f', 'hex');
  const request = fromBinary(
    NetworkServiceRequestSchema,
    Buffer.concat([
      toBinary(NetworkServiceRequestSchema, create(NetworkServiceRequestSchema)),
      Buffer.from([0x0a, unknown.length + 2 + unknown.length, ...unknown, 0x32, unknown.length, ...unknown]),
    ]),
  );
  const came = toBinary(ConnectionSchema, await place.client.request(request));
  expect(Buffer.from(came).toString('hex')).toBe(`3208${unknown.toString('hex')}${unknown.toString('hex')}`);
});

test.each<FailureCode>([
  'invalid',
  'not_found',
  'refused',
  'denied',
  'exhausted',
  'unsupported',
  'timeout',
  'failed',
])('a Failure that is %s arrives as it was thrown', async (code) => {
  answer = async () => {
    throw new Failure(code, "Label 'ü' is not allowed", { field: 'labels', value: 'ü', allowed: 'ASCII' });
  };
  const error = await place.client.request(asked({})).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Failure);
  expect(error).toMatchObject({
    code,
    message: "Label 'ü' is not allowed",
    field: 'labels',
    value: 'ü',
    allowed: 'ASCII',
  });
});

test('what is no Failure is told as a fault of the server', async () => {
  answer = async () => {
    throw new TypeError('x is not a function');
  };
  await expect(place.client.request(asked({}))).rejects.toMatchObject({
    code: 'failed',
    message: 'Unexpected error in the server: x is not a function',
  });
});

test('a next hop that is not there does not make this server unreachable', async () => {
  answer = async () => {
    throw new Unreachable("Cannot connect to 'unix:///endpoint.sock'", 'unix:///endpoint.sock');
  };
  await expect(place.client.request(asked({}))).rejects.toMatchObject({
    name: 'Failure',
    code: 'failed',
    message: "Cannot connect to 'unix:///endpoint.sock'",
  });
});

describe('a call knows', () => {
  const only = (): Call => {
    const [call, ...more] = calls;
    if (call === undefined || more.length > 0) throw new Error(`${calls.length} calls`);
    return call;
  };

  test('the connection it came on, which is one for each client', async () => {
    const other = place.another();
    const streams: unknown[] = [];
    for (const client of [place.client, other, place.client, other]) await client.request(asked({}));
    for (const { caller } of calls) {
      if (caller.kind !== 'unix') throw new Error(caller.kind);
      expect(caller.peer).toMatchObject({ pid: process.pid, uid: process.getuid?.(), inOwnNamespaces: true });
      streams.push(caller.stream);
    }
    expect(streams[0]).toBe(streams[2]);
    expect(streams[1]).toBe(streams[3]);
    expect(streams[0]).not.toBe(streams[1]);
  });

  test('also where grpc-js is at the other end', async () => {
    const clients = [1, 2].map(() => new StockClient(`unix:${place.path}`));
    await Promise.all(
      clients.flatMap((client) =>
        [1, 2, 3].map(() => client.call('/networkservice.NetworkService/Request', Buffer.alloc(0))),
      ),
    );
    const streams = calls.map(({ caller }) => (caller.kind === 'unix' ? caller.stream.id : caller.address));
    expect(streams).toHaveLength(6);
    expect(new Set(streams).size).toBe(2);
    for (const client of clients) client.close();
  });

  test('its deadline', async () => {
    const deadline = Date.now() + 60_000;
    await place.client.request(asked({}), { deadline });
    expect(Math.abs((only().deadline ?? 0) - deadline)).toBeLessThan(5_000);
  });

  test('the token the caller shows', async () => {
    const token = { token: 'a.b.c', expires: new Date('2026-01-02T03:04:05.678Z') };
    await place.client.request(asked({}), { token });
    expect(only().token).toEqual(token);
  });

  test('that there is none', async () => {
    await place.client.request(asked({}));
    expect(only().token).toBeNull();
  });
});

describe('a call that nobody waits for', () => {
  /** An answer that is under way until its caller has gone. */
  const underWay = (): { begun: Promise<Call>; ended: Promise<unknown> } => {
    let begin: (call: Call) => void = () => undefined;
    let end: (why: unknown) => void = () => undefined;
    answer = (_request, call) => {
      begin(call);
      return new Promise((_resolve, reject) => {
        call.signal.addEventListener('abort', () => {
          end(call.signal.reason);
          reject(call.signal.reason as Error);
        });
      });
    };
    return {
      begun: new Promise((resolve) => (begin = resolve)),
      ended: new Promise((resolve) => (end = resolve)),
    };
  };

  test('is aborted when the caller cancels', async () => {
    const { begun, ended } = underWay();
    const controller = new AbortController();
    const waiting = place.client.request(asked({}), { signal: controller.signal });
    await begun;
    controller.abort(new Error('Enough'));
    await expect(waiting).rejects.toThrow('Enough');
    expect(await ended).toMatchObject({ message: 'The caller went away' });
    await until(() => place.server.open === 0);
  });

  test('is aborted when the connection ends', async () => {
    const { begun, ended } = underWay();
    const waiting = expect(place.client.request(asked({}))).rejects.toBeInstanceOf(Unreachable);
    await begun;
    place.client.dispose();
    await waiting;
    expect(await ended).toMatchObject({ message: 'The caller went away' });
  });

  test('is aborted at the deadline', async () => {
    const { begun, ended } = underWay();
    const waiting = place.client.request(asked({}), { deadline: Date.now() + 200 });
    await Promise.all([
      begun,
      expect(waiting).rejects.toMatchObject({
        code: 'timeout',
        message: `'${place.url}' did not answer within the deadline`,
      }),
    ]);
    await ended;
  });

  test('an answer that is there is not disturbed', async () => {
    await place.client.request(asked({}));
    await until(() => place.server.open === 0);
    expect(calls[0]?.signal.aborted).toBe(false);
  });
});

describe('the client', () => {
  test('tells on which connection the answer will come', async () => {
    const streams: unknown[] = [];
    expect(place.client.stream()).toBeNull();
    for (let i = 0; i < 2; i++)
      await place.client.request(asked({}), { onStream: (stream) => streams.push(stream) });
    expect(streams).toEqual([place.client.stream(), place.client.stream()]);
    expect(place.client.stream()?.peer.pid).toBe(process.pid);
  });

  test('connects once, however many calls begin at once', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => place.client.request(asked({ id: String(i) }))));
    const streams = new Set(calls.map(({ caller }) => (caller.kind === 'unix' ? caller.stream.id : '')));
    expect(streams.size).toBe(1);
  });

  test('connects again when the connection has ended', async () => {
    await place.client.request(asked({}));
    place.client.stream()?.destroy();
    await until(() => place.client.stream() === null);
    await place.client.request(asked({}));
    expect(calls).toHaveLength(2);
  });

  test('says of a socket that is not there which it is', async () => {
    const { NsmClient } = await import('./client.ts');
    const nobody = new NsmClient({ url: 'unix:///nonexistent/nsm.sock' });
    const error = await nobody.request(asked({})).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Unreachable);
    expect(error).toMatchObject({
      where: 'unix:///nonexistent/nsm.sock',
      message: expect.stringMatching(/^Cannot connect to 'unix:\/\/\/nonexistent\/nsm.sock': .*ENOENT/),
    });
    nobody.dispose();
  });

  test('does nothing more once it is disposed of', async () => {
    place.client.dispose();
    await expect(place.client.request(asked({}))).rejects.toMatchObject({
      code: 'failed',
      message: `The client of '${place.url}' was disposed of`,
    });
  });

  test('is not confused by a signal that was aborted before', async () => {
    const signal = AbortSignal.abort(new Error('Never mind'));
    await expect(place.client.request(asked({}), { signal })).rejects.toThrow('Never mind');
    expect(calls).toEqual([]);
  });
});
