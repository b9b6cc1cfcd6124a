// node client.mjs SERVICE: an interface for a network service, until SIGTERM.
import { connectClient } from 'vwire/client';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const client = await connectClient({ waitMs: 60_000 });
const connection = await client.request({
  service: process.argv[2] ?? 'example',
  interface: 'example0',
  labels: { app: 'client' },
  retry: true, // the endpoint may come after us
  ttlMs: 600_000, // how long the connection outlives this process if it is killed
  signal: stop.signal,
});
for await (const { type } of connection.monitor())
  console.log(type, connection.interface, ...connection.addresses);
await client.close();
