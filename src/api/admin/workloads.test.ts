import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryAgent, quiet } from '../../../test/fake/agent.ts';
import { connectionOf } from '../../../test/fake/connections.ts';
import { Failure } from '../../features/failure.ts';
import type { EndpointItem, EndpointSpec, ServiceSpec } from '../../features/connection/api.ts';
import type { AdminAgent } from './agent.ts';
import { AdminClient } from './client.ts';
import type { ReceivedChange } from './connections-client.ts';
import { type AdminServer, serveAdmin } from './server.ts';

let folder: string;
let agent: MemoryAgent;
let server: AdminServer;
let client: AdminClient;

const connect = (signal: AbortSignal | null = null): AdminClient =>
  new AdminClient({ socketPath: server.socketPath, instance: 'default', timeoutMs: 10_000, signal });

async function serve(served: AdminAgent): Promise<void> {
  server = await serveAdmin(served, join(folder, 'admin.sock'), quiet().of('admin'));
  client = connect();
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vwire-workloads-'));
  agent = new MemoryAgent();
  await serve(agent);
});

afterEach(async () => {
  client.close();
  await server.close(1_000);
  rmSync(folder, { recursive: true });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const spec: EndpointSpec = {
  name: 'câble',
  services: ['one', 'two'],
  labels: { app: 'firewall', 'odd "key"': '' },
  netns: 'name:server',
  pools: ['10.0.0.0/24', 'fd00::/64'],
  routes: [
    { prefix: '10.1.0.0/16', via: null },
    { prefix: '::/0', via: 'fd00::1' },
  ],
  mtu: 9000,
  payload: 'ETHERNET',
};

const service: ServiceSpec = {
  name: 'one',
  payload: 'IP',
  matches: [
    {
      source: { app: 'client' },
      routes: [
        { destination: { app: 'firewall', node: '{{ .nodeName }}' }, weight: 3 },
        { destination: {}, weight: 0 },
      ],
      fallthrough: true,
      metadata: null,
    },
    { source: {}, routes: [], fallthrough: false, metadata: {} },
    { source: {}, routes: [], fallthrough: false, metadata: { p2p: 'true' } },
  ],
};

describe('what is asked and answered crosses the socket whole', () => {
  test('an endpoint with everything said', async () => {
    const item = await client.endpoints.add(spec);
    expect(agent.endpoints.calls).toEqual([{ add: spec }]);
    expect(item).toEqual(agent.endpoints.list()[0]);
    await client.endpoints.remove('câble');
    expect(await client.endpoints.list()).toEqual([]);
  });

  test('an endpoint with nothing said but the service and the namespace', async () => {
    const bare = { ...spec, name: null, labels: {}, pools: [], routes: [], mtu: null, payload: 'IP' };
    await client.endpoints.add(bare);
    expect(agent.endpoints.calls).toEqual([{ add: bare }]);
    await expect(client.endpoints.add({ ...bare, mtu: 0 })).rejects.toMatchObject({ field: 'mtu' });
  });

  test('an endpoint changed in part, and in nothing else', async () => {
    await client.endpoints.add(spec);
    const change = { pools: null, routes: [{ prefix: '10.96.0.0/16', via: null }], mtu: null };
    await client.endpoints.update(spec.name ?? '', change);
    await client.endpoints.update(spec.name ?? '', { pools: ['10.9.0.0/24'], routes: [], mtu: 9000 });
    expect(agent.endpoints.calls.slice(1)).toEqual([
      { update: spec.name, change },
      { update: spec.name, change: { pools: ['10.9.0.0/24'], routes: [], mtu: 9000 } },
    ]);
    await expect(client.endpoints.update('gone', { ...change, mtu: 0 })).rejects.toMatchObject({
      field: 'mtu',
    });
    await expect(client.endpoints.update('gone', change)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('an endpoint that answers for itself', async () => {
    const item: EndpointItem = {
      name: 'far',
      services: ['one'],
      labels: { one: { app: 'x' } },
      url: 'unix:///run/far.sock',
      hosted: false,
      netns: null,
      pools: [],
      expires: '2026-01-02T03:04:05.000Z',
      connections: 3,
    };
    agent.endpoints.put(item);
    expect(await client.endpoints.list()).toEqual([item]);
  });

  test('a service', async () => {
    expect(await client.services.put(service)).toEqual(service);
    expect(agent.services.calls).toEqual([{ put: service }]);
    expect(await client.services.list()).toEqual([service]);
    await client.services.remove('one');
    expect(agent.services.list()).toEqual([]);
  });

  test('connections', async () => {
    const item = connectionOf('c1', {
      state: 'healing',
      expires: '2026-01-02T03:14:05.000Z',
      errors: [{ at: '2026-01-02T03:04:05.000Z', message: 'Endpoint ‘x’ is\ngone' }],
    });
    agent.connections.put(item);
    agent.connections.put(connectionOf('c2', { wire: null, expires: null }));
    expect(await client.connections.list()).toEqual(agent.connections.list());
    await client.connections.close('c1');
    expect(agent.connections.calls).toEqual([{ close: 'c1' }]);
    await expect(client.connections.close('c1')).rejects.toMatchObject({
      code: 'not_found',
      field: 'connection',
      value: 'c1',
    });
  });

  test('levels of the log', async () => {
    expect(await client.logLevels()).toEqual(agent.logs.levels());
    expect(await client.setLogLevel('nsm', 'debug')).toMatchObject({ nsm: 'debug', wire: 'info' });
    expect(await client.setLogLevel(null, 'warn')).toMatchObject({ nsm: 'warn', wire: 'warn' });
    expect(agent.logs.of('nsm').level).toBe('warn');
    await expect(client.setLogLevel('nsm', 'loud')).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining("level 'loud' is not known to this agent: allowed are trace, debug"),
    });
    await expect(client.setLogLevel('frob', 'info')).rejects.toMatchObject({
      field: 'subsystem',
      allowed: 'agent, admin, nsm, registry, wire, libbpf',
    });
  });
});

test('changes of connections are told in order, and leaving the loop ends the subscription', async () => {
  const seen: ReceivedChange[] = [];
  const begun = new Promise<void>((resolve) => {
    void (async () => {
      for await (const change of client.connections.watch(resolve)) if (seen.push(change) === 2) return;
    })();
  });
  await begun;
  agent.connections.tell({ type: 'down', id: 'c1', detail: 'the endpoint is gone' });
  agent.connections.tell({ type: 'healed', id: 'c1' });
  await until(() => seen.length === 2);
  expect(seen).toEqual([
    { at: '2026-01-02T03:04:05.000Z', type: 'down', id: 'c1', detail: 'the endpoint is gone' },
    { at: '2026-01-02T03:04:05.000Z', type: 'healed', id: 'c1', detail: '' },
  ]);
  await until(() => agent.connections.listeners === 0);
});

test('an endpoint whose maker went away before the answer is removed again', async () => {
  const open = agent.endpoints.hold();
  const interrupt = new AbortController();
  const impatient = connect(interrupt.signal);
  const added = impatient.endpoints.add(spec);
  added.catch(() => undefined);
  await until(() => agent.endpoints.calls.length === 1);
  interrupt.abort();
  await expect(added).rejects.toBeInstanceOf(Failure);
  // grpc-js gives both clients one connection, which keeps order.
  await client.endpoints.list();
  open();
  await until(() => agent.endpoints.calls.length === 2);
  await until(() => agent.endpoints.list().length === 0);
  impatient.close();
});

test('what an agent does not serve is said', async () => {
  client.close();
  await server.close(1_000);
  const { wires, logs } = agent;
  const status = (): never => {
    throw new Error('not asked here');
  };
  await serve({ wires, logs, status, connections: null, endpoints: null, services: null });
  const missing = (what: string) => ({ code: 'unsupported', message: `This agent has no ${what}` });
  await expect(client.connections.list()).rejects.toMatchObject(missing('connections'));
  await expect(client.connections.watch().next()).rejects.toMatchObject(missing('connections'));
  await expect(client.endpoints.add(spec)).rejects.toMatchObject(missing('endpoints'));
  await expect(client.services.list()).rejects.toMatchObject(missing('services'));
  expect(await client.list()).toEqual([]);
});
