// Many wires over many namespaces, asked of the agent through its own client.
import { run, start, resultOf } from './process.mjs';
import { bin } from './traffic.mjs';

const client = new URL('../../dist/src/api/admin/client.js', import.meta.url);
const atOnce = 64;

export const netnsName = (i) => `scale-${i}`;

export async function makeNamespaces(count) {
  for (let i = 0; i < count; i++) await run(['ip', 'netns', 'add', netnsName(i)]);
}

/** A /30 of 10.64.0.0/10 per wire. */
function address(i, end) {
  const host = (10 << 24) + (64 << 16) + i * 4 + end;
  return [24, 16, 8, 0].map((shift) => (host >>> shift) & 255).join('.');
}

/** Which two namespaces wire i joins: every pair of different ones in turn. */
function ends(i, namespaces) {
  const left = i % namespaces;
  const distance = 1 + (Math.floor(i / namespaces) % (namespaces - 1));
  return [left, (left + distance) % namespaces].map(netnsName);
}

/** All of `items`, so many at a time. */
async function each(items, task) {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (const item of queue) await task(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

export async function openWires(socketPath, instance, namespaces) {
  const { AdminClient } = await import(client);
  const admin = new AdminClient({ socketPath, instance, timeoutMs: 60_000, signal: null });
  const side = (netns, name, i, end) => ({
    netns: `name:${netns}`,
    name,
    mac: null,
    addresses: [`${address(i, end)}/30`],
  });
  return {
    add: (numbers) =>
      each(numbers, (i) => {
        const [left, right] = ends(i, namespaces);
        return admin.add({
          connection: `scale-${i}`,
          left: side(left, `w${i}`, i, 1),
          right: side(right, `w${i}`, i, 2),
          mtu: null,
          datapath: 'auto',
          acceptNoOffload: false,
        });
      }),
    remove: (numbers) => each(numbers, (i) => admin.remove({ connection: `scale-${i}` })),
    close: () => admin.close(),
  };
}

/** Nanoseconds of the sender's CPU per packet over these wires in turn; every packet must arrive. */
export async function costOver(numbers, namespaces, ms) {
  const lines = numbers.map((i) => {
    const paths = ends(i, namespaces).map((name) => `/run/netns/${name}`);
    return `${paths.join(' ')} ${address(i, 2)}`;
  });
  const sender = start([bin('many-send'), '--ms', String(ms), '--cpu', '0'], {
    input: `${lines.join('\n')}\n`,
  });
  const { sent, delivered, cpu } = resultOf(await sender.ended());
  if (delivered < sent * 0.999) throw new Error(`${sent - delivered} of ${sent} packets did not arrive`);
  return (cpu * 1e9) / delivered;
}
