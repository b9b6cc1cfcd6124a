import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../test/nsm/place.ts';
import { agent, client, eachWithVpn, path, serve } from '../../test/sdk/vpn.ts';
import { NsmClient } from '../api/nsm/grpc/client.ts';
import { type ConnectionEvent, MonitorScopeSelectorSchema, State } from '../api/nsm/proto/connection_pb.ts';
import { Failure } from '../features/failure.ts';
import { serveEndpoint, type ServeOptions } from './index.ts';

eachWithVpn();

/** Every event of an endpoint's monitor, until the returned function is called. */
function watch(): { events: ConnectionEvent[]; stop: () => Promise<void> } {
  const direct = new NsmClient({ url: `unix://${path()}` });
  const over = new AbortController();
  const events: ConnectionEvent[] = [];
  const reading = (async () => {
    const selector = create(MonitorScopeSelectorSchema, { pathSegments: [{ name: 'vwire' }] });
    for await (const event of direct.monitor(selector, { signal: over.signal })) events.push(event);
  })().catch(() => undefined);
  return {
    events,
    async stop() {
      over.abort();
      await reading;
      direct.dispose();
    },
  };
}

describe('an endpoint', () => {
  test('is found when it is served, and no more when it is closed', async () => {
    const endpoint = await serve();
    expect(endpoint).toMatchObject({ name: 'nse', registered: true, connections: [] });
    expect(agent.endpoints).toEqual(['nse']);
    await Promise.all([endpoint.close(), endpoint.close()]);
    expect(agent.endpoints).toEqual([]);
    expect(existsSync(path())).toBe(false);
  });

  test('listens in a folder of its own that nobody else may enter', async () => {
    const mine = (): string[] => readdirSync(tmpdir()).filter((name) => /^vwire-nse-.{6}$/.test(name));
    const before = new Set(mine());
    const endpoint = await serveEndpoint({ service: 'vpn', agent: agent.url });
    const [made = ''] = mine().filter((name) => !before.has(name));
    expect(statSync(join(tmpdir(), made)).mode & 0o777).toBe(0o700);
    expect(endpoint.name).toMatch(/^vpn-.*-\d+$/);
    await endpoint.close();
    expect(existsSync(join(tmpdir(), made))).toBe(false);
  });

  test('answers with what it was told to give', async () => {
    const endpoint = await serve({
      service: ['vpn', 'dns'],
      routes: ['192.168.0.0/16', '10.8.0.0/16 via 10.0.0.0', { prefix: 'fd00::/8', via: 'fd00::1' }],
      endpointRoutes: ['10.9.0.0/16'],
      policies: [{ dport: '53', routes: ['0.0.0.0/0'] }],
      dns: [{ servers: ['10.0.0.53'] }],
      mtu: 1400,
    });
    const handle = await client.request({ service: 'dns' });
    expect(handle.connection.context).toMatchObject({
      ipContext: {
        srcIpAddrs: ['10.0.0.1/32'],
        srcRoutes: [
          { prefix: '192.168.0.0/16', nextHop: '' },
          { prefix: '10.8.0.0/16', nextHop: '10.0.0.0' },
          { prefix: 'fd00::/8', nextHop: 'fd00::1' },
        ],
        dstRoutes: [{ prefix: '10.9.0.0/16' }],
        policies: [{ dstPort: '53', routes: [{ prefix: '0.0.0.0/0' }] }],
      },
      dnsContext: { configs: [{ dnsServerIps: ['10.0.0.53'] }] },
      MTU: 1400,
    });
    expect(endpoint.pools).toEqual([{ prefix: '10.0.0.0/24', used: 2, size: 256n }]);
  });

  test.each<[string, Partial<ServeOptions>, string]>([
    ['a pool', { pools: ['10.0.0.0'] }, "pools is '10.0.0.0'"],
    ['a route', { routes: ['10.0.0.0/8 via lan'] }, "routes[0].via is 'lan'"],
    ['a service', { service: [] }, "services is ''"],
    ['a namespace', { netns: '/dev/null' }, "netns is '/dev/null': it is no namespace"],
    ['an agent', { agent: 'http://agent' }, "agent is 'http://agent': allowed is unix:///PATH"],
    [
      'an agent over tcp',
      { agent: 'tcp://127.0.0.1:5001' },
      "agent is 'tcp://127.0.0.1:5001', and over tcp an endpoint can show neither its socket's descriptor nor its " +
        "namespace's: allowed is unix:///PATH",
    ],
    ['a socket', { socket: 'nse.sock' }, 'nse.sock'],
  ])('that cannot be for %s leaves nothing', async (_, more, message) => {
    await expect(serve(more)).rejects.toThrow(message);
    expect(existsSync(path())).toBe(false);
    expect(agent.endpoints).toEqual([]);
  });

  test('is told by what it has an agent that it cannot have', async () => {
    const before = process.env.NSM_CONNECT_TO;
    process.env.NSM_CONNECT_TO = 'tcp://localhost:5001';
    try {
      await expect(serveEndpoint({ service: 'vpn' })).rejects.toMatchObject({
        code: 'invalid',
        field: 'NSM_CONNECT_TO',
        value: 'tcp://localhost:5001',
      });
    } finally {
      if (before === undefined) delete process.env.NSM_CONNECT_TO;
      else process.env.NSM_CONNECT_TO = before;
    }
  });

  test('of a name that another has is refused', async () => {
    await serve();
    // The same process may; what differs is told by the registry's own tests.
    await expect(serve()).rejects.toMatchObject({
      message: expect.stringContaining('another process listens there') as unknown,
    });
  });
});

describe('a program', () => {
  test('is asked before the answer, may change it, and hears of the end', async () => {
    const told: string[] = [];
    await serve({
      onRequest: async (connection, { first }) => {
        await Promise.resolve();
        connection.labels.tier = 'gold';
        told.push(`${first ? 'first' : 'again'} ${connection.networkService}`);
      },
      onClose: (connection) => told.push(`closed ${connection.networkService}`),
    });
    const handle = await client.request({ service: 'vpn' });
    expect(handle.connection.labels).toEqual({ tier: 'gold' });
    await handle.refresh();
    await handle.close();
    expect(told).toEqual(['first vpn', 'again vpn', 'closed vpn']);
  });

  test('may refuse, and then nothing is held', async () => {
    const endpoint = await serve({
      onRequest: () => {
        throw new Failure('denied', 'Members only', { field: 'connection.labels' });
      },
    });
    await expect(client.request({ service: 'vpn' })).rejects.toMatchObject({
      code: 'denied',
      message: 'Members only',
    });
    expect(endpoint.connections).toEqual([]);
    expect(endpoint.pools).toMatchObject([{ used: 0 }]);
  });

  test('that never decides holds up nobody else, and nothing when its caller has gone', async () => {
    const waiting: AbortSignal[] = [];
    const endpoint = await serve({
      onRequest: async ({ labels }, { signal }) => {
        if (labels.slow === undefined) return;
        waiting.push(signal);
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        });
      },
    });
    const slow = client.request({ service: 'vpn', labels: { slow: '' }, timeoutMs: 300 });
    await until(() => waiting.length === 1);
    const quick = await client.request({ service: 'vpn' });
    await expect(slow).rejects.toMatchObject({ code: 'timeout' });
    await until(() => waiting[0]?.aborted === true && endpoint.connections.length === 1);
    expect(quick.addresses).toEqual(['10.0.0.3/32']);
    expect(endpoint.pools).toMatchObject([{ used: 2 }]);
  });
});

describe('a monitor of the endpoint', () => {
  test('is told what stands, what comes and what ends', async () => {
    await serve();
    const first = await client.request({ service: 'vpn' });
    const { events, stop } = watch();
    await until(() => events.length === 1);
    const second = await client.request({ service: 'vpn' });
    await second.close();
    await until(() => events.length === 3);
    const shown = events.map(({ type, connections }) => [
      type,
      Object.values(connections).map(({ path: way }) => way?.pathSegments[0]?.id),
    ]);
    expect(shown).toEqual([
      [0, [first.id]],
      [1, [second.id]],
      [2, [second.id]],
    ]);
    await stop();
  });

  test('is told which connections to ask for again', async () => {
    const endpoint = await serve();
    const handle = await client.request({ service: 'vpn' });
    const { events, stop } = watch();
    await until(() => events.length === 1);
    endpoint.update({ routes: ['192.168.0.0/16'], mtu: 1300 });
    endpoint.update({ routes: ['192.168.0.0/16'] });
    await until(() => events.length === 2);
    expect(Object.values(events[1]?.connections ?? {})).toMatchObject([
      {
        state: State.REFRESH_REQUESTED,
        context: { ipContext: { srcRoutes: [{ prefix: '192.168.0.0/16' }] }, MTU: 1300 },
      },
    ]);
    await handle.refresh();
    expect(handle.mtu).toBe(1300);
    await stop();
  });
});

test('a signal closes the endpoint', async () => {
  const stop = new AbortController();
  await serve({ signal: stop.signal });
  stop.abort();
  await until(() => agent.endpoints.length === 0 && !existsSync(path()));
});
