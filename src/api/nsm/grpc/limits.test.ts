import { connect } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { create } from '@bufbuild/protobuf';
import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '../../../../test/fake/clock.ts';
import { NsmPlace, until } from '../../../../test/nsm/place.ts';
import { StockClient } from '../../../../test/nsm/stock.ts';
import { type Connection, ConnectionSchema } from '../proto/connection_pb.ts';
import type { Peer } from '../../../net/unix/peer.ts';
import { NetworkServiceRequestSchema } from '../proto/networkservice_pb.ts';
import { NetworkServiceQuerySchema } from '../proto/registry_pb.ts';
import { Callers, known } from './callers.ts';
import type { Call } from './services.ts';
import { StreamQueue } from './stream-queue.ts';

const request = '/networkservice.NetworkService/Request';
const monitor = '/connection.MonitorConnection/MonitorConnections';
const nothing = Buffer.alloc(0);

let clock: FakeClock;
let place: NsmPlace;
let stock: StockClient;
let calls: Call[];
let answer: (connection: Connection) => void;

beforeEach(async () => {
  clock = new FakeClock();
  calls = [];
  const answers: ((connection: Connection) => void)[] = [];
  answer = (connection) => {
    for (const settle of answers.splice(0)) settle(connection);
  };
  place = await NsmPlace.open(
    {
      request: (_request, call) => {
        calls.push(call);
        return new Promise((resolve) => answers.push(resolve));
      },
      monitor: (_selector, call) => {
        calls.push(call);
        return new StreamQueue({ signal: call.signal, onEnd: () => undefined });
      },
    },
    { clock, limits: { callsOfCaller: 3, streamsOfCaller: 2, connectionsOfAddress: 4 } },
    // Of a unix socket's peers root is not limited, and a test may be root.
    ['tcp://127.0.0.1:0'],
  );
  stock = new StockClient(`dns:${(place.server.urls[1] ?? '').replace('tcp://', '')}`);
});

afterEach(async () => {
  answer(create(ConnectionSchema));
  stock.close();
  await place.close();
});

test('of a caller only so many calls wait at a time', async () => {
  const waiting = [1, 2, 3].map(() => stock.call(request, nothing));
  await until(() => calls.length === 3);
  const { error } = await stock.call(request, nothing);
  expect(error).toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: 'Too many calls at a time: address 127.0.0.1 has 3, which is the limit',
  });
  answer(create(ConnectionSchema));
  for (const { error: failed } of await Promise.all(waiting)) expect(failed).toBeNull();
  await until(() => place.server.open === 0);
  void stock.call(request, nothing);
  await until(() => calls.length === 4);
});

test('of a caller only so many streams are open at a time', async () => {
  const open = [1, 2].map(() => stock.stream(monitor, nothing).on('error', () => undefined));
  await until(() => calls.length === 2);
  const third = stock.stream(monitor, nothing);
  const failed = await new Promise((resolve) => third.on('error', resolve).resume());
  expect(failed).toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: 'Too many streams at a time: address 127.0.0.1 has 2, which is the limit',
  });
  for (const stream of open) stream.cancel();
  await until(() => place.server.open === 0);
});

test('work for a caller who has gone counts until it is done', async () => {
  const deadline = Date.now() + 100;
  const late = await Promise.all(
    [1, 2, 3].map(() => stock.call(request, nothing, new Metadata(), { deadline })),
  );
  for (const { error } of late) expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  expect(calls).toHaveLength(3);
  expect(place.server.open).toBe(3);
  answer(create(ConnectionSchema));
  await until(() => place.server.open === 0);
});

test('of an address only so many connections are open at a time', async () => {
  const clients = Array.from(
    { length: 6 },
    () => new StockClient(`dns:${(place.server.urls[1] ?? '').replace('tcp://', '')}`),
  );
  const answers = clients.map((client) => client.call(request, nothing));
  await until(() => calls.length === 3 && place.server.connections <= 4);
  answer(create(ConnectionSchema));
  const failed = (await Promise.all(answers)).filter(({ error }) => error !== null);
  expect(failed.length).toBeGreaterThanOrEqual(2);
  for (const client of clients) client.close();
  await until(() => place.server.connections === 0);
});

describe('a call without a deadline', () => {
  test('is given 15 seconds', async () => {
    const waiting = stock.call(request, nothing);
    await until(() => calls.length === 1);
    const [call] = calls;
    expect(call?.deadline).toBe(clock.now() + 15_000);
    await clock.advance(14_999);
    expect(call?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect((await waiting).error).toMatchObject({
      code: status.DEADLINE_EXCEEDED,
      details: 'There was no answer within 15000 ms, which a call without a deadline is given',
    });
    expect(call?.signal.reason).toMatchObject({ code: 'timeout' });
  });

  test('has its request complete by then, and counts until it has', async () => {
    const session = connect((place.server.urls[1] ?? '').replace('tcp:', 'http:'));
    const begun = [1, 2, 3].map(() =>
      session.request({
        ':path': request,
        ':method': 'POST',
        'content-type': 'application/grpc',
        te: 'trailers',
      }),
    );
    await until(() => place.server.open === 3);
    expect((await stock.call(request, nothing)).error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    const answers = Promise.all(
      begun.map(
        (stream) =>
          new Promise<unknown>((resolve) => {
            stream.once('response', (headers) => {
              resolve(headers['grpc-status']);
              stream.close();
            });
          }),
      ),
    );
    await clock.advance(15_000);
    expect(await answers).toEqual(['4', '4', '4']);
    await until(() => place.server.open === 0);
    expect(calls).toEqual([]);
    session.close();
  });

  test('leaves no timer when it is answered', async () => {
    const waiting = stock.call(request, nothing);
    await until(() => calls.length === 1);
    answer(create(ConnectionSchema));
    expect((await waiting).error).toBeNull();
    await until(() => clock.pending === 0);
  });

  test('has for ever if it is a stream that has begun', async () => {
    const stream = stock.stream(monitor, nothing).on('error', () => undefined);
    await until(() => calls.length === 1);
    expect(clock.pending).toBe(0);
    stream.cancel();
  });
});

test('a connection whose other end is silent ends, and one that answers pings does not', async () => {
  const pinged = await NsmPlace.open(
    { request: async ({ connection }) => connection ?? create(ConnectionSchema) },
    { limits: { pingMs: 20, pingTimeoutMs: 2_000 } },
    ['tcp://127.0.0.1:0'],
  );
  const asked = create(NetworkServiceRequestSchema);
  await pinged.client.request(asked);
  const alive = pinged.client.stream();
  const port = Number(/\d+$/.exec(pinged.server.urls[1] ?? '')?.[0]);
  // The preface and SETTINGS of HTTP/2, and then nothing: as if the machine had gone.
  const silent = connectTcp(port, '127.0.0.1').resume();
  silent.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
  await new Promise((resolve) => silent.once('close', resolve));
  await pinged.client.request(asked);
  expect(pinged.client.stream()).toBe(alive);
  await pinged.close();
});

test('root on the node itself has no allowance', () => {
  const callers = new Callers({ connections: 1, calls: 1, streams: 1 });
  const leave = [1, 2, 3].map(() => callers.enter(null, 'calls'));
  expect(callers.open('calls')).toBe(3);
  for (const go of [...leave, ...leave]) go();
  expect(callers.open('calls')).toBe(0);
});

test.each([
  [{ inOwnNamespaces: true, uid: 0, origin: 'user 0' }, null],
  [{ inOwnNamespaces: true, uid: 1000, origin: 'user 1000' }, 'user 1000'],
  [{ inOwnNamespaces: false, uid: 0, origin: 'container pid:[7]' }, 'container pid:[7]'],
  [{ inOwnNamespaces: false, uid: 0, origin: 'unseen' }, 'unseen'],
])('calls of %j count for %s', async (facts, name) => {
  await expect(place.client.findServices(create(NetworkServiceQuerySchema)).next()).rejects.toMatchObject({
    code: 'unsupported',
  });
  const stream = place.client.stream();
  if (stream === null) throw new Error('No stream');
  const peer: Peer = { pid: 1, gid: 0, currentNetns: () => null, ...facts };
  expect(known({ kind: 'unix', peer, stream }).name).toBe(name);
});

test('an address of IPv6 is told from its port', () => {
  expect(known({ kind: 'tcp', address: '[::1]:5001' }).name).toBe('address [::1]');
});
