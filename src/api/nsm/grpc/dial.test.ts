import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Mute } from '../../../../test/fake/mute.ts';
import { selfSigned } from '../../../../test/net/unix/certificate.ts';
import { until } from '../../../../test/nsm/place.ts';
import { Unreachable } from '../../unreachable.ts';
import { ConnectionSchema } from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema } from '../proto/networkservice_pb.ts';
import { NsmClient, type NsmClientOptions } from './client.ts';
import { type NsmServer, serveNsm } from './server.ts';

const asked = create(NetworkServiceRequestSchema, { connection: { id: 'a' } });
const { cert, key } = selfSigned();
const tls = { cert: Buffer.from(cert), key: Buffer.from(key), ca: Buffer.from(cert) };

let folder: string;
let path: string;
let mute: Mute | null;
let servers: NsmServer[];
let clients: NsmClient[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vwire-dial-'));
  path = join(folder, 'nsm.sock');
  [mute, servers, clients] = [null, [], []];
});

afterEach(async () => {
  for (const client of clients) client.dispose();
  await mute?.close();
  for (const server of servers) await server.close(0);
  rmSync(folder, { recursive: true });
});

function dial(options: NsmClientOptions): NsmClient {
  const client = new NsmClient(options);
  clients.push(client);
  return client;
}

async function serve(url: string): Promise<string> {
  const server = await serveNsm(
    { request: async ({ connection }) => connection ?? create(ConnectionSchema) },
    { listen: [url], log: pino({ level: 'silent' }) },
  );
  servers.push(server);
  return server.urls[0] ?? '';
}

const errorOf = (client: NsmClient): Promise<unknown> =>
  client.request(asked).then(
    () => null,
    (thrown: unknown) => thrown,
  );

describe.each<[string, () => Promise<NsmClientOptions>]>([
  [
    'a unix socket',
    async () => {
      mute = await Mute.at(path);
      return { url: `unix://${path}` };
    },
  ],
  [
    'tcp',
    async () => {
      mute = await Mute.at(0);
      return { url: `tcp://127.0.0.1:${mute.port}` };
    },
  ],
  [
    'tcp with TLS',
    async () => {
      mute = await Mute.at(0);
      return { url: `tcp://localhost:${mute.port}`, tls };
    },
  ],
])('who accepts on %s and never speaks HTTP/2', (_, listen) => {
  test('is given up, and nothing stays open', async () => {
    const options = await listen();
    const client = dial({ ...options, dialTimeoutMs: 40 });
    const error = await errorOf(client);
    expect(error).toBeInstanceOf(Unreachable);
    expect(error).toMatchObject({
      where: options.url,
      message: `Cannot connect to '${options.url}' within 40 ms: nobody speaks HTTP/2 there`,
    });
    await until(() => mute?.open.size === 0);
  });

  test('is not waited for by who has less time, and not after the end', async () => {
    const client = dial(await listen());
    await expect(client.request(asked, { deadline: Date.now() + 20 })).rejects.toMatchObject({
      code: 'timeout',
      message: `No connection to '${client.url}' within the deadline`,
    });
    const waiting = errorOf(client);
    await until(() => mute?.open.size === 1);
    client.dispose();
    expect(await waiting).toMatchObject({ message: `The client of '${client.url}' was disposed of` });
    await until(() => mute?.open.size === 0);
  });
});

test('who is slow and in time is not given up', async () => {
  await serve(`unix://${join(folder, 'behind.sock')}`);
  const came: Socket[] = [];
  const slow = createServer({ pauseOnConnect: true }, (socket) => came.push(socket)).listen(path);
  await once(slow, 'listening');
  const client = dial({ url: `unix://${path}`, dialTimeoutMs: 20_000 });
  const answers = [client.request(asked), client.request(asked)];
  // Both share one attempt, beside which grpc-js opens a connection that ends.
  await until(() => came.length === 2);
  for (const socket of came) socket.pipe(connect(join(folder, 'behind.sock'))).pipe(socket);
  expect(await Promise.all(answers)).toMatchObject([{ id: 'a' }, { id: 'a' }]);
  client.dispose();
  await new Promise((resolve) => slow.close(resolve));
  expect(came).toHaveLength(2);
});

test.each(['unix', 'tcp'])('who is mute one time on %s is asked again the next', async (kind) => {
  mute = await Mute.at(kind === 'unix' ? path : 0);
  const url = kind === 'unix' ? `unix://${path}` : `tcp://127.0.0.1:${mute.port}`;
  const client = dial({ url, dialTimeoutMs: 40 });
  expect(await errorOf(client)).toBeInstanceOf(Unreachable);
  await mute.close();
  mute = null;
  await serve(url);
  while ((await errorOf(client)) instanceof Unreachable);
  expect(await client.request(asked)).toMatchObject({ id: 'a' });
});

test('who answered once and is mute after a restart is given up as well', async () => {
  const url = await serve('tcp://127.0.0.1:0');
  const client = dial({ url, dialTimeoutMs: 40 });
  await client.request(asked);
  await servers.pop()?.close(0);
  mute = await Mute.at(Number(url.split(':').at(-1)));
  for (let error = await errorOf(client); ; error = await errorOf(client)) {
    expect(error).toBeInstanceOf(Unreachable);
    if ((error as Error).message.endsWith('within 40 ms: nobody speaks HTTP/2 there')) break;
  }
  await until(() => mute?.open.size === 0);
});

test('who ends the connection at once is told from who is mute', async () => {
  mute = await Mute.at(path);
  mute.server.on('connection', (socket) => socket.destroy());
  const error = await errorOf(dial({ url: `unix://${path}` }));
  expect(error).toBeInstanceOf(Unreachable);
  expect((error as Error).message).toContain(`No answer from 'unix://${path}': `);
});

test.each([0, -1, NaN, Infinity])('there is no attempt of %s ms', (dialTimeoutMs) => {
  expect(() => dial({ url: `unix://${path}`, dialTimeoutMs })).toThrow(
    `dialTimeoutMs is '${dialTimeoutMs}': allowed is a number of milliseconds above 0`,
  );
});

test('an attempt may have longer than timers do', async () => {
  const url = await serve(`unix://${path}`);
  expect(await dial({ url, dialTimeoutMs: 2 ** 40 }).request(asked)).toMatchObject({ id: 'a' });
});
