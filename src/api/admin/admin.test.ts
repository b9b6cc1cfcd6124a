import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryAgent, quiet, status } from '../../../test/fake/agent.ts';
import { type MemoryWires, side, specOf } from '../../../test/fake/wires.ts';
import { Failure, type FailureCode } from '../../features/failure.ts';
import { AdminClient } from './client.ts';
import { type AdminServer, adminSocketPath, serveAdmin } from './server.ts';
import { Unreachable } from '../unreachable.ts';

let folder: string;
let socketPath: string;
let wires: MemoryWires;
let server: AdminServer;
let client: AdminClient;

const connect = (more: { timeoutMs?: number; signal?: AbortSignal } = {}): AdminClient =>
  new AdminClient({ socketPath, instance: 'default', timeoutMs: 10_000, signal: null, ...more });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vwire-admin-'));
  socketPath = adminSocketPath(folder, 'default');
  const agent = new MemoryAgent();
  wires = agent.wires;
  server = await serveAdmin(agent, socketPath, quiet().of('admin'));
  client = connect();
});

afterEach(async () => {
  client.close();
  await server.close(1_000);
  rmSync(folder, { recursive: true });
});

describe('what is asked and answered crosses the socket whole', () => {
  test('add with everything said, and list', async () => {
    const spec = specOf('name:a', 'pid:7', {
      connection: 'câble "1"',
      left: {
        ...side('name:a'),
        name: 'eth7',
        mac: '02:00:00:00:00:07',
        addresses: ['10.0.0.1/24', 'fd00::1/64'],
      },
      mtu: 9000,
      datapath: 'xdp',
      acceptNoOffload: true,
    });
    const wire = await client.add(spec);
    expect(wires.calls).toEqual([{ add: spec }]);
    expect(wire).toEqual(wires.list()[0]);
    expect(await client.list()).toEqual(wires.list());
  });

  test('add with nothing said but the ends', async () => {
    await client.add(specOf('a', 'b'));
    expect(wires.calls).toEqual([{ add: specOf('a', 'b') }]);
  });

  test('64-bit counters and what was dropped', async () => {
    const wire = await client.add(specOf('a', 'b'));
    const most = 2n ** 64n - 1n;
    const counters = {
      leftToRight: { packets: most, segments: 2n ** 53n + 1n, bytes: most, dropped: { no_hop: most } },
      rightToLeft: { packets: 0n, segments: 0n, bytes: 0n, dropped: {} },
    };
    wires.put({ ...wire, state: 'down', service: 'nse', counters });
    expect(await client.list()).toEqual([{ ...wire, state: 'down', service: 'nse', counters }]);
  });

  test('update by id and by connection; what is not said stays as it is', async () => {
    await client.add(specOf('a', 'b', { connection: 'c' }));
    const wire = await client.update({ id: 1 }, { mtu: 2000, datapath: null });
    expect(wire.mtu).toBe(2000);
    await client.update({ connection: 'c' }, { mtu: null, datapath: 'auto' });
    expect(wires.calls.slice(1)).toEqual([
      { update: { id: 1 }, change: { mtu: 2000, datapath: null, left: null, right: null } },
      { update: { connection: 'c' }, change: { mtu: null, datapath: 'auto', left: null, right: null } },
    ]);
  });

  test('remove, also of wire 0 and of a name that is a number', async () => {
    await client.add(specOf('a', 'b'));
    await client.remove({ id: 1 });
    expect(wires.list()).toEqual([]);
    await expect(client.remove({ id: 0 })).rejects.toMatchObject({ code: 'not_found', value: '0' });
    await expect(client.remove({ connection: '1' })).rejects.toMatchObject({ value: '1' });
  });

  test('status', async () => {
    expect(await client.status()).toEqual(status);
  });
});

describe('a Failure arrives as it was thrown', () => {
  const codes: FailureCode[] = [
    'invalid',
    'not_found',
    'refused',
    'denied',
    'exhausted',
    'unsupported',
    'timeout',
    'failed',
  ];
  test.each(codes)('%s', async (code) => {
    const detail = { field: 'left.netns', value: 'pöd\n"x"', allowed: 'a name — any' };
    wires.failNext(new Failure(code, 'Namespace ‘pöd’ is\ngone', detail));
    await expect(client.add(specOf('a', 'b'))).rejects.toEqual(
      new Failure(code, 'Namespace ‘pöd’ is\ngone', detail),
    );
    wires.failNext(new Failure(code, 'Bare'));
    await expect(client.add(specOf('a', 'b'))).rejects.toMatchObject({ code, field: null, message: 'Bare' });
  });

  test('a message too long for a header is cut and says so', async () => {
    wires.failNext(new Failure('failed', 'x'.repeat(100_000)));
    await expect(client.add(specOf('a', 'b'))).rejects.toMatchObject({
      message: `${'x'.repeat(4096)}... (95904 more characters in the agent's log)`,
    });
  });

  test('a message no URI can hold', async () => {
    wires.failNext(new Failure('failed', `${'x'.repeat(4095)}\u{1f50c}\u{1f50c} 100% \ud800`));
    await expect(client.add(specOf('a', 'b'))).rejects.toMatchObject({
      message: `${'x'.repeat(4095)}\ufffd... (10 more characters in the agent's log)`,
    });
    wires.failNext(new Failure('failed', '100% #%23 \ud800'));
    await expect(client.add(specOf('a', 'b'))).rejects.toMatchObject({ message: '100% #%23 \ufffd' });
  });

  test('what is no Failure is the agent’s own fault', async () => {
    wires.failNext(new TypeError('x is undefined'));
    await expect(client.add(specOf('a', 'b'))).rejects.toMatchObject({
      code: 'failed',
      message: 'Unexpected error in the agent: x is undefined',
    });
  });

  test('an update of nothing, and an MTU of 0', async () => {
    await expect(client.update({ id: 1 }, { mtu: null, datapath: null })).rejects.toMatchObject({
      code: 'invalid',
    });
    await expect(client.add(specOf('a', 'b', { mtu: 0 }))).rejects.toMatchObject({ field: 'mtu' });
    expect(wires.calls).toEqual([]);
  });

  test('a request beyond the limit of a message', async () => {
    const huge = { ...side('a'), addresses: ['1'.repeat(1024 * 1024)] };
    await expect(client.add(specOf('a', 'b', { left: huge }))).rejects.toMatchObject({
      code: 'exhausted',
      message: expect.stringMatching(/larger than max/),
    });
    expect(wires.calls).toEqual([]);
  });
});

describe('a caller that goes away', () => {
  const gone = (): Promise<void> =>
    new Promise((resolve) => {
      const unsubscribe = wires.subscribe(({ type }) => {
        if (type !== 'removed') return;
        unsubscribe();
        resolve();
      });
    });

  // The agent learns that a caller is gone after the caller does. grpc-js gives clients with the same options
  // one connection, which keeps order: when this is answered, the cancellation before it has arrived.
  const heard = async (): Promise<void> => {
    await client.list();
  };

  test('before its wire is there, leaves no wire', async () => {
    const open = wires.hold();
    const removed = gone();
    const interrupt = new AbortController();
    const impatient = connect({ signal: interrupt.signal });
    const added = impatient.add(specOf('a', 'b'));
    added.catch(() => undefined);
    await until(() => wires.calls.length === 1);
    interrupt.abort();
    await expect(added).rejects.toBeInstanceOf(Failure);
    await heard();
    open();
    await removed;
    expect(wires.list()).toEqual([]);
    impatient.close();
  });

  test('because its time is up, is told so and leaves no wire', async () => {
    const open = wires.hold();
    const removed = gone();
    const impatient = connect({ timeoutMs: 50 });
    await expect(impatient.add(specOf('a', 'b'))).rejects.toMatchObject({
      code: 'timeout',
      message: `The agent on '${socketPath}' did not answer within 50 ms`,
    });
    await heard();
    open();
    await removed;
    impatient.close();
  });
});

test('without an agent the error names the socket and how to start one', async () => {
  const path = join(folder, 'other', 'admin.sock');
  const nobody = new AdminClient({ socketPath: path, instance: 'other', timeoutMs: 5_000, signal: null });
  const error = await nobody.list().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Unreachable);
  expect(error).toMatchObject({
    where: path,
    message: `No agent runs for instance 'other': there is no socket '${path}'; start one with 'vwire agent --instance other'`,
  });
  nobody.close();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
