// A program that asks for a connection with the options in its first argument, says what becomes of it, and closes it
// when it is told to stop.
import { connectClient } from 'vwire/client';

const stop = new globalThis.AbortController();
process.once('SIGTERM', () => stop.abort());
const client = await connectClient();
const options = JSON.parse(process.argv[2] ?? '{}');
const connection = await client.request({ ...options, signal: stop.signal });
for await (const { type, error } of connection.monitor())
  console.log(error?.message ?? `${type} ${connection.interface} ${connection.addresses.join(' ')}`);
await client.close();
