import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { vwire } from '../../test/fake/command-line.ts';
import { MemoryAgent, quiet } from '../../test/fake/agent.ts';
import type { MemoryConnections } from '../../test/fake/connections.ts';
import { type MemoryWires, side, specOf } from '../../test/fake/wires.ts';
import { AdminClient } from '../api/admin/client.ts';
import { type AdminServer, adminSocketPath, serveAdmin } from '../api/admin/server.ts';
import { Failure, type FailureCode } from '../features/failure.ts';

let runDir: string;
let wires: MemoryWires;
let connections: MemoryConnections;
let server: AdminServer;

beforeEach(async () => {
  runDir = mkdtempSync(join(tmpdir(), 'vwire-cli-'));
  const agent = new MemoryAgent();
  ({ wires, connections } = agent);
  const path = adminSocketPath(runDir, 'default');
  server = await serveAdmin(agent, path, quiet().of('admin'));
});

afterEach(async () => {
  await server.close(1_000);
  rmSync(runDir, { recursive: true });
});

const ask = (line: string, options = {}) => vwire(`${line} --run-dir ${runDir}`, options);
const add = 'wire add --left a --right b';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('wire add passes on all that is said', async () => {
  const left = 'name:a,name=eth7,address=10.0.0.1/24,mac=02:00:00:00:00:07,address=fd00::1/64';
  const rest = '--connection c --mtu 9000 --datapath xdp --accept-no-offload --timeout 1m';
  const { code, out } = await ask(`wire add --left ${left} --right pid:7 ${rest}`);
  expect(code).toBe(0);
  expect(wires.calls).toEqual([
    {
      add: specOf('', 'pid:7', {
        connection: 'c',
        left: {
          ...side('name:a'),
          name: 'eth7',
          mac: '02:00:00:00:00:07',
          addresses: ['10.0.0.1/24', 'fd00::1/64'],
        },
        mtu: 9000,
        datapath: 'xdp',
        acceptNoOffload: true,
      }),
    },
  ]);
  expect(out).toMatchSnapshot();
});

test('wire add and wire update answer with the wire', async () => {
  expect(JSON.parse((await ask(`${add} --json`)).out)).toMatchSnapshot();
  const { out } = await ask('wire update 1 --mtu 9000 --json');
  expect(JSON.parse(out)).toMatchObject({ kind: 'Wire', id: 1, mtu: 9000 });
});

test('wire rm takes ids and names, and stops at the first it cannot remove', async () => {
  await ask(`${add} --connection c`);
  await ask(add);
  await ask(add);
  const { code, out, err } = await ask('wire rm c 2 nobody 3');
  expect({ code, out, err }).toEqual({
    code: 3,
    out: 'Removed c\nRemoved 2\n',
    err: "vwire: No wire 'nobody'\n",
  });
  expect(wires.list().map(({ id }) => id)).toEqual([3]);
  const json = await ask('wire rm 3 --json');
  expect(json.out).toBe('{"schema":"vwire/v1","kind":"Removed","name":"3"}\n');
});

test.each<[FailureCode, number]>([
  ['invalid', 2],
  ['not_found', 3],
  ['refused', 4],
  ['denied', 4],
  ['exhausted', 4],
  ['unsupported', 6],
  ['timeout', 7],
  ['failed', 1],
])('what the agent calls %s exits with %d', async (code, exit) => {
  wires.failNext(new Failure(code, 'Why', { field: 'left.netns', value: 'a', allowed: 'b' }));
  const answer = await ask(`${add} --json`);
  expect({ code: answer.code, out: answer.out }).toEqual({ code: exit, out: '' });
  expect(JSON.parse(answer.err)).toEqual({
    schema: 'vwire/v1',
    kind: 'Error',
    code,
    field: 'left.netns',
    value: 'a',
    allowed: 'b',
    message: 'Why',
  });
});

test('no agent exits with 5, a late one with 7', async () => {
  const { code, err } = await ask(`${add} --instance other`);
  expect(code).toBe(5);
  expect(err).toMatch(
    /^vwire: No agent runs for instance 'other': there is no socket '.*'; start one with 'vwire agent --instance other'\n$/,
  );
  const open = wires.hold();
  expect((await ask(`${add} --timeout 20ms`)).code).toBe(7);
  open();
});

/** When this is answered, the agent has heard of the connection that closed before. */
async function roundTrip(): Promise<void> {
  const socketPath = adminSocketPath(runDir, 'default');
  const client = new AdminClient({ socketPath, instance: 'default', timeoutMs: 10_000, signal: null });
  await client.list();
  client.close();
}

test('Ctrl-C while the agent works exits with 130 and leaves no wire', async () => {
  const interrupt = new AbortController();
  const open = wires.hold();
  const adding = ask(add, { signal: interrupt.signal });
  await until(() => wires.calls.length === 1);
  interrupt.abort();
  expect(await adding).toEqual({ code: 130, out: '', err: '' });
  await roundTrip();
  open();
  await until(() => wires.calls.length === 2);
  await until(() => wires.list().length === 0);
});

test('watch prints an event a line until Ctrl-C', async () => {
  const interrupt = new AbortController();
  const watching = ask('watch', {
    signal: interrupt.signal,
    onOut: (out: string) => {
      if (out.split('\n').length === 5) interrupt.abort();
    },
  });
  await until(() => wires.listeners === 1 && connections.listeners === 1);
  await ask(add);
  wires.tell({ type: 'port_down', detail: 'left: the namespace ended', connection: 'x\u001b[2J' });
  await ask('wire rm 1');
  connections.tell({ type: 'healed', id: 'c1', detail: 'by \u001b[2Jother' });
  const { code, out } = await watching;
  expect(code).toBe(130);
  expect(out).toMatchSnapshot();
});

test('watch --json prints a document a line, and ends with 5 when the agent stops', async () => {
  const watching = ask('watch --json');
  await until(() => wires.listeners === 1 && connections.listeners === 1);
  wires.tell({ type: 'adopted', detail: 'after a restart' });
  connections.tell({ type: 'down', id: 'c1', detail: 'the endpoint is gone' });
  const [{ code, out, err }] = await Promise.all([watching, server.close(5_000)]);
  expect(code).toBe(5);
  expect(
    out
      .split('\n')
      .filter((line) => line !== '')
      .map((line): unknown => JSON.parse(line)),
  ).toMatchSnapshot();
  expect(JSON.parse(err)).toMatchObject({ kind: 'Error', code: 'unreachable' });
});
