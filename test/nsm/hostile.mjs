// A workload that wants the agent to serve nobody else: does the deeds it is told, all at once and without end, and says
// what it has done. Built code, since it runs as a process.
import { Buffer } from 'node:buffer';
import { closeSync, openSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { connectClient } from '../../dist/src/client/index.js';
import { MonitorScopeSelectorSchema } from '../../dist/src/api/nsm/proto/connection_pb.js';
import { NetworkServiceRequestSchema } from '../../dist/src/api/nsm/proto/networkservice_pb.js';
import { NsmClient } from '../../dist/src/api/nsm/grpc/client.js';
import { connectUnix } from '../../dist/src/net/unix/connect.js';

const url = process.env.NSM_CONNECT_TO;
const path = url.replace('unix://', '');
const done = {};
const count = (what, times = 1) => {
  done[what] = (done[what] ?? 0) + times;
};

function open(bytes = null) {
  const socket = connect(path, () => {
    count('connected');
    if (bytes !== null) socket.write(bytes);
  });
  socket.on('error', () => count('refused'));
  socket.resume();
  return new Promise((resolve) => socket.once('close', resolve));
}

/** So many at a time, each made anew when it has ended, or failed. */
async function always(many, act) {
  const one = async () => {
    for (;;) {
      await act().catch(({ message }) => count(message));
      await setTimeout(1);
    }
  };
  await Promise.all(Array.from({ length: many }, one));
}

const session = () => {
  const made = connectHttp2('http://localhost', { createConnection: () => connect(path) });
  made.on('error', () => count('session lost'));
  return made;
};

const headers = (method) => ({
  ':path': method,
  ':method': 'POST',
  'content-type': 'application/grpc',
  te: 'trailers',
});

function framed(schema, message) {
  const bytes = toBinary(schema, create(schema, message));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const ended = (made) => new Promise((resolve) => made.once('close', resolve));

/** Streams on a session of their own, begun and never read or ended. */
async function streams(many, method, bytes) {
  const made = session();
  for (let i = 0; i < many && !made.closed; i++) {
    const stream = made.request(headers(method));
    stream.on('error', () => count(`stream of ${method} ended`));
    stream.pause();
    if (bytes !== null) stream.end(bytes);
    if (i % 64 === 0) await setImmediate();
  }
  count(`streams of ${method}`, many);
  await ended(made);
}

const request = (more) => ({
  connection: {
    id: 'h',
    networkService: 'web',
    path: { pathSegments: [{ name: 'hostile', id: 'h' }] },
    ...more,
  },
  mechanismPreferences: [{ cls: 'LOCAL', type: 'KERNEL' }],
});

async function asking(what, message) {
  const client = new NsmClient({ url });
  await always(4, async () => {
    await client.request(create(NetworkServiceRequestSchema, message)).then(
      () => count(`${what} served`),
      ({ code }) => count(`${what} ${code}`),
    );
  });
}

const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`label-${i}`, `value ${i}`]));

const deeds = {
  connections: () => always(2_000, () => open()),
  garbage: () => always(20, () => open(Buffer.alloc(100_000))),
  streams: () => always(1, () => streams(3_000, '/networkservice.NetworkService/Request', null)),
  monitors: () =>
    always(1, () =>
      streams(
        600,
        '/connection.MonitorConnection/MonitorConnections',
        framed(MonitorScopeSelectorSchema, {}),
      ),
    ),
  labels: () => asking('labels', request({ labels })),
  large: () => asking('large', request({ labels: { a: 'x'.repeat(3_000_000) } })),
  unknown: () => asking('unknown', request({ networkService: 'no such service' })),
  // Every refresh is told to those who watch, of whom none reads.
  changes: async () => {
    const client = await connectClient({ name: 'hostile' });
    for (;;) {
      const handle = await client.request({ service: 'web', retry: true, timeoutMs: 60_000 });
      count('changes');
      await handle.close();
    }
  },
  descriptors: () =>
    always(2, async () => {
      const stream = await connectUnix(path, new AbortController().signal);
      stream.on('error', () => count('stream lost'));
      stream.resume();
      const files = ['/proc/self/ns/net', '/proc/self/ns/mnt', '/dev/null', '/'].map((file) =>
        openSync(file),
      );
      try {
        for (let i = 0; i < 5_000 && !stream.destroyed; i++) {
          stream.pass(files[i % files.length]);
          if (!stream.write(Buffer.alloc(1)) || i % 64 === 0) await setTimeout(1);
          count('passed');
        }
      } finally {
        // An agent that reads slowly, or not at all any more, lets so many wait and no more.
        stream.destroy();
        for (const file of files) closeSync(file);
      }
    }),
};

for (const name of process.argv.slice(2))
  void deeds[name]().catch((error) => count(`${name}: ${error.message}`));
for (;;) {
  await setTimeout(100);
  console.log(JSON.stringify(done));
}
