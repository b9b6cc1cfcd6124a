import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Mute } from '../../test/fake/mute.ts';
import { FakeAgent } from '../../test/fake/nsm-agent.ts';
import { until } from '../../test/nsm/place.ts';
import { Unreachable } from '../api/unreachable.ts';
import { serveEndpoint, type ServedEndpoint } from '../endpoint/index.ts';
import { Failure } from '../features/failure.ts';
import { type Client, connectClient, type ConnectionHandle } from './index.ts';

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

describe('an agent', () => {
  test('that is not there is told of', async () => {
    await agent.stop();
    await expect(connectClient({ agent: agent.url })).rejects.toBeInstanceOf(Unreachable);
    await expect(connectClient({ agent: agent.url, waitMs: 60 })).rejects.toThrow(
      `Cannot connect to '${agent.url}'`,
    );
  });

  test('that comes late is waited for', async () => {
    await agent.stop();
    const waiting = connectClient({ agent: agent.url, waitMs: 20_000 });
    await agent.start();
    await (await waiting).close();
  });

  test('is not waited for longer than anybody wants', async () => {
    await agent.stop();
    const signal = AbortSignal.timeout(60);
    await expect(connectClient({ agent: agent.url, waitMs: 20_000, signal })).rejects.toThrow();
  });

  test('that accepts and never speaks is told of, or waited for', async () => {
    await agent.stop();
    const mute = await Mute.at(agent.path);
    await expect(connectClient({ agent: agent.url, dialTimeoutMs: 40 })).rejects.toThrow(
      `Cannot connect to '${agent.url}' within 40 ms: nobody speaks HTTP/2 there`,
    );
    const waiting = connectClient({ agent: agent.url, dialTimeoutMs: 40, waitMs: 20_000 });
    await once(mute.server, 'connection');
    await mute.close();
    await agent.start();
    await (await waiting).close();
  });

  test('that restarts and shows the connection is asked for nothing', async () => {
    const handle = await client.request({ service: 'vpn' });
    const before = handle.connection.path;
    await agent.stop();
    await agent.start();
    await until(() => agent.watchers > 0 && endpoint.registered);
    expect(agent.requests).toHaveLength(1);
    await handle.refresh();
    expect(handle.connection.path).toEqual(before);
    expect(handle.state).toBe('up');
  });

  test('that restarts is told anew how long the connection lives', async () => {
    const handle = await client.request({ service: 'vpn', ttlMs: 60_000 });
    const { addresses } = handle;
    await agent.stop();
    await agent.start();
    await until(() => agent.requests.length > 1 && endpoint.registered);
    await handle.refresh();
    expect(handle.addresses).toEqual(addresses);
  });

  test('that comes back without its connections gets them again', async () => {
    const handle = await client.request({ service: 'vpn' });
    const { addresses } = handle;
    await agent.stop();
    agent.lose();
    await agent.start();
    await until(() => agent.connections.length === 1);
    expect(handle.addresses).toEqual(addresses);
  });

  test('that comes back without the endpoint is asked for another one', async () => {
    const handle = await client.request({ service: 'vpn' });
    await agent.stop();
    await endpoint.close();
    agent.lose();
    await agent.start();
    endpoint = await serveEndpoint({
      service: 'vpn',
      name: 'other',
      agent: agent.url,
      pools: ['10.7.0.0/24'],
    });
    const seen = updates(handle, 2);
    await until(() => handle.endpoint === 'other');
    expect(handle.addresses).toEqual(['10.7.0.1/32']);
    expect((await seen)[0]).toBe('up');
  });

  test('that is gone when the connection is closed is told of', async () => {
    const handle = await client.request({ service: 'vpn' });
    await agent.stop();
    await expect(handle.close()).rejects.toBeInstanceOf(Unreachable);
    expect(handle.state).toBe('closed');
    await agent.start();
  });

  test('that refuses is asked again, and the refusal told', async () => {
    const handle = await client.request({ service: 'vpn', ttlMs: 6_000 });
    agent.failNext(new Failure('exhausted', 'No more today'), new Failure('exhausted', 'Nor tomorrow'));
    const errors: (string | undefined)[] = [];
    for await (const { type, error } of handle.monitor()) {
      if (type === 'failed') errors.push(error?.message);
      if (errors.length === 2) break;
    }
    expect(errors).toEqual(['No more today', 'Nor tomorrow']);
    await until(() => agent.requests.length > 3);
    expect(handle.state).toBe('up');
  });
});
