// A program that connects the namespace in its first argument, which is not its own: it asks again, watches, asks as at
// first on another socket, and closes there.
import { connectClient } from 'vwire/client';

const asked = { service: 'lan', id: 'passed', netns: process.argv[2], interface: 'lan0' };
const first = await connectClient({ name: 'passing' });
const connection = await first.request(asked);
await connection.refresh();
console.log(`refreshed ${connection.interface}`);
for await (const { type } of connection.monitor()) {
  console.log(`seen ${type}`);
  break;
}
const second = await connectClient({ name: 'passing' });
const same = await second.request(asked);
console.log(`the same on another socket: ${same.addresses.join() === connection.addresses.join()}`);
await same.close();
console.log('closed');
await second.close();
await first.close();
