import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  Client,
  credentials,
  experimental,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ChannelCredentials,
  type ServerInterceptor,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import type { UnixStream } from '../../../src/net/unix/stream.ts';
import { eventually } from '../../pods.ts';
import { selfSigned } from './certificate.ts';
import { collect, Sockets } from './sockets.ts';

const asIs = (bytes: Buffer): Buffer => bytes;
const codec = {
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};
const service: ServiceDefinition = {
  echo: { path: '/test.Echo/Echo', requestStream: false, responseStream: false, ...codec },
  tell: { path: '/test.Echo/Tell', requestStream: false, responseStream: true, ...codec },
};
const unlimited = { 'grpc.max_receive_message_length': 64 * 1024 * 1024 };

const { key, cert } = selfSigned();
const kinds: { kind: string; server: () => ServerCredentials; client: () => ChannelCredentials }[] = [
  {
    kind: 'plain',
    server: () => ServerCredentials.createInsecure(),
    client: () => credentials.createInsecure(),
  },
  {
    kind: 'TLS',
    server: () =>
      ServerCredentials.createSsl(null, [{ private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }]),
    client: () => credentials.createSsl(Buffer.from(cert)),
  },
];

/** Tells handlers the name of their stream as that of their peer. */
const namedAs =
  (id: string): ServerInterceptor =>
  (_definition, next) =>
    new (class extends ServerInterceptingCall {
      override getPeer(): string {
        return id;
      }
    })(next);

describe.each(kinds)('gRPC over it, $kind', (kind) => {
  let sockets: Sockets;
  let server: Server;
  let client: Client;
  const streams = new Map<string, UnixStream>();

  const connected = (): Client =>
    new Client(`unix:${sockets.path}`, kind.client(), {
      ...unlimited,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.ssl_target_name_override': 'localhost',
    });

  beforeEach(() => {
    sockets = new Sockets();
    server = new Server(unlimited);
    const implementation: UntypedServiceImplementation = {
      echo: (call: { request: Buffer; getPeer(): string }, answer: (error: null, bytes: Buffer) => void) => {
        const name = Buffer.from(call.getPeer());
        answer(null, Buffer.concat([name, Buffer.from('\n'), call.request]));
      },
      tell: (call: { request: Buffer; write(bytes: Buffer): void; end(): void }) => {
        const count = call.request.readUInt32LE();
        for (let i = 0; i < count; i++) call.write(Buffer.from(`part ${i}`));
        call.end();
      },
    };
    server.addService(service, implementation);
    sockets.listen({
      onConnection: (stream) => {
        sockets.accepted.push(stream);
        streams.set(stream.id, stream);
        const injector = server.createConnectionInjector(
          experimental.createServerCredentialsWithInterceptors(kind.server(), [namedAs(stream.id)]),
        );
        stream.on('close', () => {
          streams.delete(stream.id);
          injector.destroy();
        });
        injector.injectConnection(stream);
      },
    });
    client = connected();
  });
  afterEach(async () => {
    client.close();
    await eventually(() => {
      expect(streams.size).toBe(0);
    });
    server.forceShutdown();
    await sockets.close();
  });

  const echo = async (bytes: Buffer, by = client): Promise<{ peer: string; bytes: Buffer }> =>
    new Promise((resolve, reject) => {
      by.makeUnaryRequest('/test.Echo/Echo', asIs, asIs, bytes, (error, value) => {
        const at = value?.indexOf(10) ?? -1;
        if (error) reject(error);
        else
          resolve({
            peer: String(value?.subarray(0, at)),
            bytes: value?.subarray(at + 1) ?? Buffer.alloc(0),
          });
      });
    });

  test('4 MiB go there and come back, and many small ones at once', async () => {
    const big = randomBytes(4 * 1024 * 1024);
    const answer = await echo(big);
    expect(answer.bytes.equals(big)).toBe(true);
    const small = Array.from({ length: 500 }, (_, i) => Buffer.from(`message ${i}`));
    const answers = await Promise.all(small.map((bytes) => echo(bytes)));
    expect(answers.map(({ bytes }) => String(bytes))).toEqual(small.map(String));
  });

  test('a handler finds its own stream among many', async () => {
    const clients = Array.from({ length: 5 }, connected);
    const peers = await Promise.all(clients.map(async (each) => (await echo(Buffer.from('I'), each)).peer));
    expect(new Set(peers)).toEqual(new Set(streams.keys()));
    expect(streams.get(peers[0] ?? '')?.peer.pid).toBe(process.pid);
    for (const each of clients) each.close();
  });

  test('a slow reader of a long answer stops it, and gets all of it', async () => {
    const count = 3_000;
    const request = Buffer.alloc(4);
    request.writeUInt32LE(count);
    const call = client.makeServerStreamRequest('/test.Echo/Tell', asIs, asIs, request);
    let seen = 0;
    for await (const part of call) {
      expect(String(part)).toBe(`part ${seen}`);
      seen++;
      if (seen % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seen).toBe(count);
  });

  test('a descriptor passed by the server does not disturb a peer that reads plainly', async () => {
    await echo(Buffer.from('connect'));
    const [stream] = sockets.accepted;
    stream?.pass(0);
    const answers = await Promise.all([echo(Buffer.from('a')), echo(Buffer.from('b'))]);
    expect(answers.map(({ bytes }) => String(bytes))).toEqual(['a', 'b']);
  });

  test('a client that is gone takes its stream along', async () => {
    await echo(Buffer.from('connect'));
    expect(streams.size).toBe(1);
    client.close();
    await eventually(() => {
      expect(streams.size).toBe(0);
    });
  });
});

test('HTTP/2 runs over it as a client', async () => {
  const sockets = new Sockets();
  const server = createServer((request, response) => {
    request.pipe(response);
  }).listen(sockets.path);
  await once(server, 'listening');
  const stream = await sockets.connect();
  const session = connect('http://localhost', { createConnection: () => stream });
  const request = session.request({ ':method': 'POST', ':path': '/' });
  const received = collect(request);
  const sent = randomBytes(3 * 1024 * 1024);
  request.end(sent);
  await once(request, 'end');
  expect(Buffer.concat(received.chunks).equals(sent)).toBe(true);
  session.close();
  server.close();
  await once(server, 'close');
  await sockets.close();
});
