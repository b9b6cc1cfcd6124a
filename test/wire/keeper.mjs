// keeper.mjs CONFIG: an agent of its own process whose wires are asked for by lines of JSON on standard input,
// [method, ...arguments], each answered by a line: { value } or { error }. The admin API has no words for
// all that IP can be told.
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { startAgent } from '../../dist/src/agent.js';
import { LogLevels } from '../../dist/src/log-levels.js';

const plain = (_, value) => (typeof value === 'bigint' ? String(value) : value);
const say = (answer) => process.stdout.write(`${JSON.stringify(answer, plain)}\n`);

const logs = new LogLevels(pino(pino.destination(2)), { all: 'warn', of: {} });
const agent = await startAgent({ ...JSON.parse(process.argv[2]), logs });
say({ value: 'ready' });
for await (const line of createInterface({ input: process.stdin })) {
  const [method, ...args] = JSON.parse(line);
  try {
    say({ value: (await agent.wires[method](...args)) ?? null });
  } catch (error) {
    say({ error: error.message });
  }
}
await agent.stop();
