import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { statSync } from 'node:fs';
import { FakeAgent } from '../../test/fake/nsm-agent.ts';
import { until } from '../../test/nsm/place.ts';
import { State } from '../api/nsm/proto/connection_pb.ts';
import { serveEndpoint, type ServedEndpoint } from '../endpoint/index.ts';
import type { Failure } from '../features/failure.ts';
import { type Client, connectClient, type ConnectionHandle, type ConnectionUpdate } from './index.ts';

let agent: FakeAgent;
let endpoint: ServedEndpoint;
let client: Client;

beforeEach(async () => {
  agent = await FakeAgent.start();
  endpoint = await serveEndpoint({ service: 'vpn', name: 'nse', agent: agent.url, pools: ['10.0.0.0/24'] });
  client = await connectClient({ agent: agent.url, name: 'app' });
});

afterEach(async () => {
  await client.close();
  await endpoint.close();
  await agent.close();
});

/** Reads a handle's updates until there are so many. */
async function updates(handle: ConnectionHandle, count: number): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of handle.monitor()) if (types.push(type) === count) break;
  return types;
}

const idOf = (handle: ConnectionHandle): string => handle.id;

describe('a request', () => {
  test('gives what the endpoint answered', async () => {
    const handle = await client.request({
      service: 'vpn',
      interface: 'vpn0',
      labels: { app: 'x' },
      mtu: 1400,
      payload: 'IP',
      excludedPrefixes: ['10.0.0.0/31'],
    });
    expect(handle).toMatchObject({
      interface: 'vpn0',
      addresses: ['10.0.0.3/32'],
      peerAddresses: ['10.0.0.2/32'],
      endpoint: 'nse',
      mtu: 1400,
      state: 'up',
      connection: {
        id: handle.id,
        labels: { app: 'x' },
        payload: 'IP',
        path: {
          index: 0,
          pathSegments: [{ name: 'app', id: handle.id }, { name: 'vwire' }, { name: 'nse' }],
        },
      },
    });
    expect(client.connections.map(idOf)).toEqual([handle.id]);
  });

  test('names this process’s namespace and passes it', async () => {
    await client.request({ service: 'vpn' });
    const { dev, ino } = statSync('/proc/self/ns/net');
    expect(agent.requests[0]?.mechanismPreferences).toMatchObject([
      { cls: 'LOCAL', type: 'KERNEL', parameters: { inodeURL: `inode://${dev}/${ino}` } },
    ]);
  });

  test('has an id of its own each time, and a given one once', async () => {
    const [a, b] = await Promise.all([
      client.request({ service: 'vpn' }),
      client.request({ service: 'vpn' }),
    ]);
    expect(a.id).toMatch(/^app-\d+$/);
    expect(b.id).not.toBe(a.id);
    const given = await client.request({ service: 'vpn', id: 'mine' });
    await expect(client.request({ service: 'vpn', id: 'mine' })).rejects.toMatchObject({
      code: 'refused',
      message: "id is 'mine': this client has a connection of that id",
    });
    await given.close();
    expect((await client.request({ service: 'vpn', id: 'mine' })).addresses).toEqual(given.addresses);
  });

  test('with the id of a process that is gone gets the connection it had', async () => {
    const before = await connectClient({ agent: agent.url, name: 'pod' });
    const { addresses } = await before.request({ service: 'vpn', id: 'pod-a' });
    await client.request({ service: 'vpn' });
    const after = await connectClient({ agent: agent.url, name: 'pod' });
    expect((await after.request({ service: 'vpn', id: 'pod-a' })).addresses).toEqual(addresses);
    expect(agent.connections).toHaveLength(2);
    await after.close();
    await before.close();
  });

  test.each<[string, Parameters<Client['request']>[0], Partial<Failure>]>([
    ['an unknown service', { service: 'dns' }, { code: 'not_found' }],
    [
      'a life of nothing',
      { service: 'vpn', ttlMs: 0 },
      { message: "ttlMs is '0': allowed is a number of milliseconds above 0" },
    ],
    [
      'a namespace that is none',
      { service: 'vpn', netns: '/dev/null' },
      { message: "netns is '/dev/null': it is no namespace" },
    ],
    [
      'a namespace that is not there',
      { service: 'vpn', netns: '/nowhere' },
      { code: 'invalid', field: 'netns' },
    ],
    ['a descriptor that is none', { service: 'vpn', netns: 9999 }, { code: 'invalid', value: '9999' }],
  ])('for %s is refused and leaves nothing', async (_, options, failure) => {
    await expect(client.request(options)).rejects.toMatchObject(failure);
    expect(client.connections).toEqual([]);
    expect(agent.connections).toEqual([]);
  });

  test('tries again while there is no endpoint, where it is told to', async () => {
    const waiting = client.request({ service: 'late', retry: true });
    await until(() => agent.requests.length > 1);
    const late = await serveEndpoint({ service: 'late', agent: agent.url });
    expect((await waiting).endpoint).toBe(late.name);
    await late.close();
    await expect(client.request({ service: 'never', retry: true, timeoutMs: 100 })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('that nobody waits for any more leaves nothing', async () => {
    const stop = new AbortController();
    let go = (): void => undefined;
    agent.delayUntil(new Promise((resolve) => (go = resolve)));
    const waiting = client.request({ service: 'vpn', signal: stop.signal });
    await until(() => agent.requests.length === 1);
    stop.abort(new Error('enough'));
    go();
    await expect(waiting).rejects.toThrow('enough');
    await until(() => agent.connections.length === 0 && endpoint.connections.length === 0);
    expect(client.connections).toEqual([]);
  });

  test('that is not answered in time says so', async () => {
    let go = (): void => undefined;
    agent.delayUntil(new Promise((resolve) => (go = resolve)));
    const waiting = client.request({ service: 'vpn', timeoutMs: 50 });
    await expect(waiting).rejects.toMatchObject({ code: 'timeout' });
    go();
  });
});

describe('a connection', () => {
  test('is closed by its handle, once', async () => {
    const handle = await client.request({ service: 'vpn' });
    const seen = updates(handle, 2);
    await Promise.all([handle.close(), handle.close()]);
    expect(await seen).toEqual(['up', 'closed']);
    expect(handle.state).toBe('closed');
    expect([agent.connections, endpoint.connections, client.connections]).toEqual([[], [], []]);
    await handle.close();
    await handle[Symbol.asyncDispose]();
  });

  test('is closed by its signal', async () => {
    const stop = new AbortController();
    const handle = await client.request({ service: 'vpn', signal: stop.signal });
    const seen = updates(handle, 2);
    stop.abort();
    expect(await seen).toEqual(['up', 'closed']);
    expect(agent.connections).toEqual([]);
  });

  test('is closed with its client', async () => {
    const handles = await Promise.all(Array.from({ length: 100 }, () => client.request({ service: 'vpn' })));
    await client.close();
    expect(handles.map(({ state }) => state)).toEqual(handles.map(() => 'closed'));
    expect(agent.connections).toEqual([]);
    await expect(client.request({ service: 'vpn' })).rejects.toThrow("The client 'app' is closed");
  });

  test('that its client leaves stays, and nobody keeps it', async () => {
    const handle = await client.request({ service: 'vpn', ttlMs: 60_000 });
    const seen = updates(handle, 2);
    await client.leave();
    expect(await seen).toEqual(['up']);
    expect(agent.connections).toHaveLength(1);
    await handle.close();
    expect(agent.connections).toHaveLength(1);
  });

  test('that is closed by somebody else is told so', async () => {
    const handle = await client.request({ service: 'vpn', id: 'mine' });
    const seen = updates(handle, 2);
    const other = await connectClient({ agent: agent.url, name: 'app' });
    await (await other.request({ service: 'vpn', id: 'mine' })).close();
    expect(await seen).toEqual(['up', 'closed']);
    await other.close();
  });

  test('tells when it goes down and when it is up again', async () => {
    const handle = await client.request({ service: 'vpn' });
    const seen = updates(handle, 3);
    agent.mark(State.DOWN);
    await until(() => handle.state === 'down');
    agent.mark(State.UP);
    expect(await seen).toEqual(['up', 'down', 'up']);
  });

  test('is asked for again when the agent wants it, and tells what has changed', async () => {
    const handle = await client.request({ service: 'vpn' });
    const seen = updates(handle, 2);
    endpoint.update({ pools: ['10.9.0.0/24'], routes: ['192.168.0.0/16'] });
    agent.mark(State.REFRESH_REQUESTED);
    expect(await seen).toEqual(['up', 'changed']);
    expect(handle.addresses).toEqual(['10.9.0.1/32']);
  });

  test('that is refreshed is the same, and nobody is told', async () => {
    const handle = await client.request({ service: 'vpn' });
    const { addresses, interface: name } = handle;
    const told: ConnectionUpdate[] = [];
    const reading = (async () => {
      for await (const update of handle.monitor()) told.push(update);
    })();
    await handle.refresh();
    await handle.refresh();
    expect([handle.addresses, handle.interface]).toEqual([addresses, name]);
    expect(agent.requests[2]?.connection).toMatchObject({
      mechanism: { parameters: { name } },
      path: { index: 0, pathSegments: [{}, {}, {}] },
    });
    await handle.close();
    await reading;
    expect(told.map(({ type }) => type)).toEqual(['up', 'closed']);
  });

  test('with a life is asked for again before it ends', async () => {
    const handle = await client.request({ service: 'vpn', ttlMs: 600 });
    const ends = (): number[] =>
      agent.requests.map(({ connection }) => {
        const { seconds = 0n, nanos = 0 } = connection?.path?.pathSegments[0]?.expires ?? {};
        return Number(seconds) + nanos / 1e9;
      });
    await until(() => agent.requests.length >= 2);
    const [first = 0, second = 0] = ends();
    expect(second).toBeGreaterThan(first);
    expect(handle.state).toBe('up');
  });

  test('with a life that is not kept ends with it', async () => {
    const handle = await client.request({ service: 'vpn', ttlMs: 100, keep: false });
    expect(await updates(handle, 2)).toEqual(['up', 'closed']);
    expect(agent.requests).toHaveLength(1);
  });
});
