import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MemoryAgent, quiet } from '../../../test/fake/agent.ts';
import { type MemoryWires, specOf } from '../../../test/fake/wires.ts';
import { AdminClient, type ReceivedEvent } from './client.ts';
import { maxPendingEvents } from './limits.ts';
import { type AdminServer, serveAdmin } from './server.ts';

let folder: string;
let wires: MemoryWires;
let server: AdminServer;
let client: AdminClient;
let interrupt: AbortController;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vwire-watch-'));
  const socketPath = join(folder, 'default', 'admin.sock');
  const agent = new MemoryAgent();
  wires = agent.wires;
  server = await serveAdmin(agent, socketPath, quiet().of('admin'));
  interrupt = new AbortController();
  client = new AdminClient({ socketPath, instance: 'default', timeoutMs: 10_000, signal: interrupt.signal });
});

afterEach(async () => {
  client.close();
  await server.close(1_000);
  rmSync(folder, { recursive: true });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('nothing is missed from the moment it has begun, and order is kept', async () => {
  const begun = new Promise<void>((resolve) => {
    void (async () => {
      for await (const event of client.watch(resolve)) {
        seen.push(event);
        if (seen.length === 3) return;
      }
    })();
  });
  const seen: ReceivedEvent[] = [];
  await begun;
  await client.add(specOf('a', 'b', { connection: 'c' }));
  await client.remove({ id: 1 });
  wires.tell({ type: 'port_down', wire: 7, detail: 'left: ‘gone’' });
  await until(() => seen.length === 3);
  expect(seen.map(({ type, wire, detail }) => [type, wire, detail])).toEqual([
    ['added', 1, ''],
    ['removed', 1, ''],
    ['port_down', 7, 'left: ‘gone’'],
  ]);
  // Leaving the loop ends the subscription.
  await until(() => wires.listeners === 0);
});

test('a reader that is too slow is cut off and told', async () => {
  const watching = client.watch(() => undefined);
  const first = watching.next();
  await until(() => wires.listeners === 1);
  // Socket and streams hold some; what waits beyond them is bounded.
  const detail = 'x'.repeat(10_000);
  let told = 0;
  while (wires.listeners === 1 && told < 100 * maxPendingEvents) {
    wires.tell({ detail, wire: told++ });
    if (told % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(wires.listeners).toBe(0);
  expect(told).toBeGreaterThan(maxPendingEvents);
  expect((await first).value).toMatchObject({ wire: 0 });
  let read = 1;
  await expect(
    (async () => {
      for await (const event of watching) expect(event.wire).toBe(read++);
    })(),
  ).rejects.toMatchObject({
    code: 'exhausted',
    message: expect.stringContaining(`The watcher is too slow: ${maxPendingEvents} events waited for it`),
  });
  expect(read).toBeLessThan(told);
});

test('a reader that keeps up may be told any number of events', async () => {
  const count = 4 * maxPendingEvents;
  let read = 0;
  const reading = (async () => {
    for await (const { wire } of client.watch()) {
      expect(wire).toBe(read++);
      if (read === count) return;
    }
  })();
  await until(() => wires.listeners === 1);
  for (let at = 0; at < count; at++) {
    wires.tell({ wire: at });
    if (at % 512 === 511) await until(() => read > at - 512);
  }
  await reading;
});

test('an agent that stops says so, and an interrupt ends the watch', async () => {
  const first = client.watch().next();
  await until(() => wires.listeners === 1);
  interrupt.abort();
  await expect(first).rejects.toThrow();
  await until(() => wires.listeners === 0);

  const second = client.watch().next();
  await until(() => wires.listeners === 1);
  await Promise.all([expect(second).rejects.toMatchObject({ name: 'Unreachable' }), server.close(1_000)]);
  expect(wires.listeners).toBe(0);
});
