import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Client, type ServiceError, credentials, status } from '@grpc/grpc-js';
import { MemoryAgent, quiet } from '../../../test/fake/agent.ts';
import { specOf } from '../../../test/fake/wires.ts';
import { AdminClient } from './client.ts';
import { type AdminServer, serveAdmin } from './server.ts';

let folder: string;
let socketPath: string;
let agent: MemoryAgent;
let server: AdminServer;

async function serve(): Promise<void> {
  server = await serveAdmin(agent, socketPath, quiet().of('admin'));
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vwire-hostile-'));
  socketPath = join(folder, 'admin.sock');
  agent = new MemoryAgent();
  await serve();
});

afterEach(async () => {
  await server.close(1_000);
  rmSync(folder, { recursive: true });
});

function send(path: string, bytes: Buffer): Promise<ServiceError | null> {
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure());
  const same = (buffer: Buffer): Buffer => buffer;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, bytes, (error) => {
      client.close();
      resolve(error);
    });
  });
}

async function stillServes(): Promise<void> {
  const client = new AdminClient({ socketPath, instance: 'default', timeoutMs: 10_000, signal: null });
  await client.add(specOf('a', 'b'));
  client.close();
  expect(agent.wires.list()).toHaveLength(1);
}

test('bytes that are no message', async () => {
  expect(await send('/vwire.v1.Wires/Add', Buffer.from('0affffffff', 'hex'))).toMatchObject({
    code: status.INTERNAL,
  });
  await stillServes();
});

test('a message without its parts', async () => {
  expect(await send('/vwire.v1.Wires/Add', Buffer.alloc(0))).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: 'The left side is missing',
  });
  expect(await send('/vwire.v1.Wires/Remove', Buffer.alloc(0))).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: 'The request names no wire',
  });
  await stillServes();
});

test('a datapath of tomorrow', async () => {
  // left {}, right {}, datapath 99
  expect(await send('/vwire.v1.Wires/Add', Buffer.from('12001a002863', 'hex'))).toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: 'Datapath 99 is not known to this agent: allowed are auto, tcx, clsact, xdp',
  });
  await stillServes();
});

test('a method that is not there', async () => {
  expect(await send('/vwire.v1.Wires/Frob', Buffer.alloc(0))).toMatchObject({ code: status.UNIMPLEMENTED });
  await stillServes();
});

test('a connection that does not speak HTTP/2', async () => {
  await new Promise<void>((resolve) => {
    const socket = connect(socketPath);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve();
    });
    socket.resume();
    socket.end('GET / HTTP/1.1\r\n\r\n'.repeat(10_000));
  });
  await stillServes();
});

test('a client that connects and says nothing does not keep the agent from stopping', async () => {
  const socket = connect(socketPath).resume();
  await new Promise((resolve) => socket.once('connect', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await stillServes();
  await server.close(200);
  await closed;
  await serve();
});
