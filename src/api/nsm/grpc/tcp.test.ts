import { create } from '@bufbuild/protobuf';
import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { selfSigned } from '../../../../test/net/unix/certificate.ts';
import { until } from '../../../../test/nsm/place.ts';
import { Unreachable } from '../../unreachable.ts';
import { ConnectionSchema } from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema } from '../proto/networkservice_pb.ts';
import { NsmClient, type NsmClientOptions } from './client.ts';
import { type NsmServer, type ServeOptions, serveNsm } from './server.ts';
import type { Call } from './services.ts';
import type { Tls } from './tls.ts';

const log = pino({ level: 'silent' });
const asked = create(NetworkServiceRequestSchema, { connection: { id: 'a' } });
const open: { dispose(): void }[] = [];
const servers: NsmServer[] = [];
const calls: Call[] = [];

/** A certificate for localhost that vouches for itself. */
function authority(): Tls {
  const { cert, key } = selfSigned();
  return { cert: Buffer.from(cert), key: Buffer.from(key), ca: Buffer.from(cert) };
}

async function serve(url: string, more: Partial<ServeOptions> = {}): Promise<string> {
  const server = await serveNsm(
    {
      request: async ({ connection }, call) => {
        calls.push(call);
        return connection ?? create(ConnectionSchema);
      },
    },
    { listen: [url], log, ...more },
  );
  servers.push(server);
  return server.urls[0] ?? '';
}

function dial(options: NsmClientOptions): NsmClient {
  const client = new NsmClient(options);
  open.push(client);
  return client;
}

afterEach(async () => {
  for (const client of open.splice(0)) client.dispose();
  await Promise.all(servers.splice(0).map((server) => server.close(1_000)));
  calls.length = 0;
});

test.each(['127.0.0.1', '[::1]'])('in the clear on %s', async (host) => {
  const url = await serve(`tcp://${host}:0`);
  const client = dial({ url });
  expect(await client.request(asked, { pass: [0] })).toMatchObject({ id: 'a' });
  expect(client.stream()).toBeNull();
  expect(calls[0]?.caller).toEqual({
    kind: 'tcp',
    address: expect.stringMatching(host === '127.0.0.1' ? /^127\.0\.0\.1:\d+$/ : /^::1:\d+$/),
  });
});

describe('refused in the clear', () => {
  test('to listen for other machines', async () => {
    await expect(serve('tcp://0.0.0.0:0')).rejects.toMatchObject({
      code: 'refused',
      message: "url is 'tcp://0.0.0.0:0': without TLS only loopback addresses are allowed",
    });
  });

  test('to ask another machine', () => {
    expect(() => dial({ url: 'tcp://192.0.2.1:5001' })).toThrow(
      "url is 'tcp://192.0.2.1:5001': without TLS only loopback addresses are allowed",
    );
  });
});

test('of several addresses all are listened on or none', async () => {
  const url = await serve('tcp://127.0.0.1:0');
  const fresh = serveNsm({}, { listen: ['tcp://127.0.0.1:0', url], log });
  await expect(fresh).rejects.toMatchObject({
    code: 'refused',
    field: 'listen',
    message: expect.stringMatching(`^Cannot listen on '${url}': .*EADDRINUSE`),
  });
});

test('a server that is not there is told from one that refuses, and found when it comes', async () => {
  const url = await serve('tcp://127.0.0.1:0');
  const client = dial({ url });
  await client.request(asked);
  await servers.pop()?.close(1_000);
  const error = await client.request(asked).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Unreachable);
  expect(error).toMatchObject({ where: url, message: expect.stringMatching(`^No answer from '${url}': `) });
  await serve(url);
  for (;;) {
    const answered = await client.request(asked).catch((thrown: unknown) => thrown);
    if (!(answered instanceof Unreachable)) break;
  }
});

describe('with TLS', () => {
  const tls = authority();

  test('both sides know each other', async () => {
    const url = await serve('tcp://localhost:0', { tls });
    expect(await dial({ url, tls }).request(asked)).toMatchObject({ id: 'a' });
    expect(calls[0]?.caller).toEqual({ kind: 'tcp', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
  });

  test('any address may be listened on', async () => {
    const url = await serve('tcp://0.0.0.0:0', { tls });
    const client = dial({ url: url.replace('0.0.0.0', 'localhost'), tls });
    expect(await client.request(asked)).toMatchObject({ id: 'a' });
  });

  test.each<[string, (url: string) => NsmClientOptions]>([
    ['a client that another authority vouches for', (url) => ({ url, tls: { ...authority(), ca: tls.ca } })],
    ['a client that shows nothing', (url) => ({ url })],
    ['a server that another authority vouches for', (url) => ({ url, tls: { ...tls, ca: authority().ca } })],
  ])('%s gets nowhere', async (_who, options) => {
    const url = await serve('tcp://localhost:0', { tls });
    const error = await dial(options(url))
      .request(asked)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Unreachable);
    expect(calls).toEqual([]);
    for (const client of open.splice(0)) client.dispose();
    await until(() => servers[0]?.connections === 0);
  });
});
