import { create } from '@bufbuild/protobuf';
import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { selfSigned } from '../../test/net/unix/certificate.ts';
import { until } from '../../test/nsm/place.ts';
import { type NsmServer, serveNsm } from '../api/nsm/grpc/server.ts';
import type { Call } from '../api/nsm/grpc/services.ts';
import type { Tls } from '../api/nsm/grpc/tls.ts';
import { ConnectionEventSchema, ConnectionSchema, MechanismSchema } from '../api/nsm/proto/connection_pb.ts';
import { Unreachable } from '../api/unreachable.ts';
import { type Client, connectClient, type ConnectOptions, type TlsOptions } from './index.ts';

/** A certificate for localhost that vouches for itself. */
const authority = (): TlsOptions => {
  const { cert, key } = selfSigned();
  return { ca: cert, cert, key };
};
const tls = authority();
const bytes = ({ ca, cert, key }: TlsOptions): Tls => ({
  ca: Buffer.from(ca),
  cert: Buffer.from(cert),
  key: Buffer.from(key),
});

const servers: NsmServer[] = [];
const clients: Client[] = [];
let calls: Call[] = [];
let watchers = 0;

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const server of servers.splice(0)) await server.close(0);
  calls = [];
});

/** A manager that takes the word of whoever shows a certificate for the namespace that is named. */
async function manager(port = 0): Promise<string> {
  const server = await serveNsm(
    {
      request: async ({ connection, mechanismPreferences: [offered] }, call) => {
        calls.push(call);
        return { ...(connection ?? create(ConnectionSchema)), mechanism: offered ?? create(MechanismSchema) };
      },
      close: async (_connection, call) => {
        calls.push(call);
      },
      async *monitor(_selector, { signal }) {
        watchers += 1;
        yield create(ConnectionEventSchema, {});
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
        watchers -= 1;
      },
    },
    { listen: [`tcp://localhost:${port}`], tls: bytes(tls), log: pino({ level: 'silent' }) },
  );
  servers.push(server);
  return server.urls[0] ?? '';
}

async function connect(options: ConnectOptions): Promise<Client> {
  const client = await connectClient(options);
  clients.push(client);
  return client;
}

describe('over mutual TLS', () => {
  test.each([
    ['texts', tls],
    ['bytes', bytes(tls)],
  ])('given as %s a connection is asked for and closed', async (_, given) => {
    const client = await connect({ agent: await manager(), tls: given });
    const handle = await client.request({ service: 'vpn', interface: 'vpn0' });
    expect([handle.interface, handle.state]).toEqual(['vpn0', 'up']);
    await handle.close();
    expect(calls.map(({ caller }) => caller.kind)).toEqual(['tcp', 'tcp']);
  });

  test('a manager that comes back is followed', async () => {
    const agent = await manager();
    const client = await connect({ agent, tls });
    const handle = await client.request({ service: 'vpn' });
    await servers.pop()?.close(0);
    await until(() => watchers === 0);
    await manager(Number(agent.split(':').at(-1)));
    // It shows nothing of the connection, and is asked for it again.
    await until(() => watchers === 1 && calls.length === 2);
    expect(handle.state).toBe('up');
  });

  test.each<[string, TlsOptions | undefined, string]>([
    ['a client of another authority', { ...authority(), ca: tls.ca }, 'localhost'],
    ['a manager of another authority', { ...tls, ca: authority().ca }, 'localhost'],
    ['a manager that is not the host it is asked as', tls, '127.0.0.1'],
    ['a client that shows nothing', undefined, 'localhost'],
  ])('%s gets nowhere', async (_, given, host) => {
    const agent = (await manager()).replace('localhost', host);
    await expect(connectClient({ agent, ...(given !== undefined && { tls: given }) })).rejects.toBeInstanceOf(
      Unreachable,
    );
    expect(watchers).toBe(0);
    await until(() => servers[0]?.connections === 0);
  });
});

test.each<[string, ConnectOptions, string, string]>([
  [
    'for a unix socket',
    { agent: 'unix:///run/agent.sock', tls },
    'tls',
    "tls is given, and the agent is 'unix:///run/agent.sock': TLS is for tcp://HOST:PORT",
  ],
  [
    'without a key',
    { agent: 'tcp://localhost:1', tls: { ...tls, key: '' } },
    'tls.key',
    'tls.key is missing: TLS takes ca, cert and key, each as PEM',
  ],
  [
    'with a path',
    { agent: 'tcp://localhost:1', tls: { ...tls, cert: '/etc/cert.pem' } },
    'tls.cert',
    'tls.cert has no certificate: allowed is a certificate as PEM, which is no path',
  ],
  [
    'with the key of another',
    { agent: 'tcp://localhost:1', tls: { ...tls, key: authority().key } },
    'tls.key',
    'tls.key has another key than the certificate of tls.cert',
  ],
])('TLS %s is refused before anybody is asked', async (_, options, field, message) => {
  await expect(connectClient(options)).rejects.toMatchObject({
    code: 'invalid',
    field,
    message: expect.stringContaining(message),
  });
});

test('beyond this machine nothing goes in the clear', async () => {
  await expect(connectClient({ agent: 'tcp://192.0.2.1:5001' })).rejects.toMatchObject({
    code: 'refused',
    message: "url is 'tcp://192.0.2.1:5001': without TLS only loopback addresses are allowed",
  });
});
