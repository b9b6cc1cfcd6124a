// A workload: does what each line of its standard input says in JSON, and answers with a line. Built code, since it runs as a process.
import { symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { create } from '@bufbuild/protobuf';
import { NsmClient } from '../../dist/src/api/nsm/grpc/client.js';
import { NetworkServiceEndpointSchema } from '../../dist/src/api/nsm/proto/registry_pb.js';

const client = new NsmClient({ url: process.argv[2] });

const deeds = {
  listen: ({ path }) =>
    new Promise((resolve) => {
      createServer((socket) => socket.on('error', () => undefined)).listen(path, resolve);
    }),
  symlink: ({ target, path }) => symlinkSync(target, path),
  register: ({ name, url }) =>
    client.registerEndpoint(create(NetworkServiceEndpointSchema, { name, url, networkServiceNames: ['a'] })),
};

console.log('{}');
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  try {
    await deeds[asked.do](asked);
    console.log('{}');
  } catch ({ code = null, message }) {
    console.log(JSON.stringify({ code, message }));
  }
}
client.dispose();
