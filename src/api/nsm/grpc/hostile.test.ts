import { type Socket, connect } from 'node:net';
import { connect as connectHttp2 } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { NsmPlace, until } from '../../../../test/nsm/place.ts';
import { StockClient } from '../../../../test/nsm/stock.ts';
import { ConnectionSchema } from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema } from '../proto/networkservice_pb.ts';
import { maxRequestBytes } from './limits.ts';
import type { NsmServices } from './services.ts';

const path = '/networkservice.NetworkService/Request';
let place: NsmPlace;
let stock: StockClient;
let request: NsmServices['request'];

beforeEach(async () => {
  request = async ({ connection }) => connection ?? create(ConnectionSchema);
  place = await NsmPlace.open({ request: (message, call) => request(message, call) }, {}, [
    'tcp://127.0.0.1:0',
  ]);
  stock = new StockClient(`unix:${place.path}`);
});

afterEach(async () => {
  stock.close();
  await place.close();
});

const requestOf = (labels: Readonly<Record<string, string>>): Buffer =>
  Buffer.from(
    toBinary(
      NetworkServiceRequestSchema,
      create(NetworkServiceRequestSchema, { connection: { id: 'a', labels } }),
    ),
  );

async function stillServes(): Promise<void> {
  expect(
    await place.client.request(create(NetworkServiceRequestSchema, { connection: { id: 'b' } })),
  ).toMatchObject({ id: 'b' });
}

test('bytes that are no message', async () => {
  const { error } = await stock.call(path, Buffer.from('0affffffff', 'hex'));
  expect(error).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringMatching(
      /^The message of '\/networkservice.NetworkService\/Request' cannot be read: /,
    ),
  });
  await stillServes();
});

test('a message beyond the limit', async () => {
  const { error } = await stock.call(path, requestOf({ a: 'x'.repeat(maxRequestBytes) }));
  expect(error).toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: expect.stringMatching(/^Received message larger than max \(\d+ vs 1048576\)$/),
  });
  await stillServes();
});

test('ten thousand labels are a message', async () => {
  const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`label-${i}`, `value ${i}`]));
  let seen = 0;
  request = async ({ connection }) => {
    seen = Object.keys(connection?.labels ?? {}).length;
    return create(ConnectionSchema);
  };
  expect((await stock.call(path, requestOf(labels))).error).toBeNull();
  expect(seen).toBe(10_000);
});

test('labels named like what every object has', async () => {
  let came: unknown = null;
  request = async ({ connection }) => {
    came = Object.entries(connection?.labels ?? {});
    return create(ConnectionSchema);
  };
  const message = create(NetworkServiceRequestSchema, { connection: { id: 'a' } });
  const labels = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
  // Given to create(), the first would be lost before it is sent.
  if (message.connection) message.connection.labels = labels;
  await stock.call(path, Buffer.from(toBinary(NetworkServiceRequestSchema, message)));
  expect(came).toEqual([
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});

test('a method that is not there', async () => {
  const { error } = await stock.call('/networkservice.NetworkService/Frob', Buffer.alloc(0));
  expect(error).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: 'The server does not implement the method /networkservice.NetworkService/Frob',
  });
  const { error: left } = await stock.call('/registry.NetworkServiceRegistry/Register', Buffer.alloc(0));
  expect(left).toMatchObject({ code: status.UNIMPLEMENTED });
});

test('a token that is none', async () => {
  const metadata = new Metadata();
  metadata.set('nsm-client-token-expires', 'soon');
  const { error } = await stock.call(path, Buffer.alloc(0), metadata);
  expect(error).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: "Metadata 'nsm-client-token-expires' is 'soon': allowed is a time of RFC 3339",
  });
});

const targets: [string, () => Socket][] = [
  ['unix', () => connect(place.path)],
  ['tcp', () => connect(Number(/\d+$/.exec(place.server.urls[1] ?? '')?.[0]), '127.0.0.1')],
];

test.each(targets)('a connection over %s that does not speak HTTP/2', async (_kind, open) => {
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n'.repeat(10_000), '\0'.repeat(100_000), '']) {
    await new Promise<void>((resolve) => {
      const socket = open();
      socket.on('error', () => undefined);
      socket.on('close', () => {
        resolve();
      });
      socket.resume();
      socket.end(bytes);
    });
  }
  await stillServes();
  place.client.dispose();
  await until(() => place.server.connections === 0);
});

test.each(targets)('a connection over %s that says nothing does not keep the server', async (_kind, open) => {
  const socket = open().resume();
  await new Promise((resolve) => socket.once('connect', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await until(() => place.server.connections > 0);
  await place.server.close(100);
  await closed;
});

test('a thousand connections that come and go', async () => {
  for (let i = 0; i < 20; i++)
    await Promise.all(
      Array.from(
        { length: 50 },
        () =>
          new Promise<void>((resolve) => {
            const socket = connect(place.path, () => {
              socket.destroy();
            });
            socket.on('error', () => undefined);
            socket.once('close', () => {
              resolve();
            });
          }),
      ),
    );
  await stillServes();
  place.client.dispose();
  await until(() => place.server.connections === 0);
});

test('thousands of streams on one connection', async () => {
  const session = connectHttp2(`http://localhost`, { createConnection: () => connect(place.path) });
  session.on('error', () => undefined);
  let closed = 0;
  // HEADERS without an end: the server waits for a message that does not come.
  for (let i = 0; i < 3_000; i++) {
    const stream = session.request({
      ':path': path,
      ':method': 'POST',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('error', () => undefined);
    stream.on('close', () => closed++);
  }
  await until(() => place.server.open > 0);
  expect(place.server.open).toBeLessThanOrEqual(256);
  await stillServes();
  session.destroy();
  await until(() => closed === 3_000);
  await until(() => place.server.open === 0);
});

test('headers beyond the limit', async () => {
  const metadata = new Metadata();
  metadata.set('path', 'x'.repeat(200_000));
  const { error } = await stock.call(path, Buffer.alloc(0), metadata);
  expect(error).not.toBeNull();
  await stillServes();
});
