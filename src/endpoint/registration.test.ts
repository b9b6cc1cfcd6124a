import { describe, expect, jest, test } from '@jest/globals';
import { join } from 'node:path';
import { Mute } from '../../test/fake/mute.ts';
import { until } from '../../test/nsm/place.ts';
import { agent, client, eachWithVpn, folder, serve } from '../../test/sdk/vpn.ts';
import { unsettledMs } from './limits.ts';
import { Unreachable } from './index.ts';

eachWithVpn();

describe('an agent', () => {
  test('that restarts knows the endpoint again', async () => {
    const told: (string | null)[] = [];
    const endpoint = await serve({ onRegistered: (lost) => told.push(lost?.name ?? null) });
    const handle = await client.request({ service: 'vpn' });
    await agent.stop();
    await until(() => !endpoint.registered);
    await agent.start();
    await until(() => endpoint.registered && agent.endpoints.length === 1);
    expect(told[0]).not.toBeNull();
    expect(told.at(-1)).toBeNull();
    expect(endpoint.connections).toHaveLength(1);
    await handle.refresh();
    expect(handle.addresses).toEqual(['10.0.0.1/32']);
  });

  test('that takes the registration away gets it again', async () => {
    const endpoint = await serve();
    agent.unregister('nse');
    await until(() => !endpoint.registered);
    await until(() => agent.endpoints.length === 1);
  });

  test('that has ended connections unheard is believed, but for those that are on their way', async () => {
    const endpoint = await serve();
    await client.request({ service: 'vpn' });
    agent.lose();
    agent.unregister('nse');
    await until(() => !endpoint.registered);
    await until(() => endpoint.registered);
    expect(endpoint.connections).toHaveLength(1);
    const now = performance.now();
    const later = jest.spyOn(performance, 'now').mockImplementation(() => now + unsettledMs + 1);
    agent.unregister('nse');
    await until(() => endpoint.connections.length === 0);
    later.mockRestore();
    expect(endpoint.pools).toMatchObject([{ used: 0 }]);
  });

  test('that knows another endpoint by the name is not made to forget it by one that fails', async () => {
    await serve();
    const second = serve({ service: 'two words', socket: join(folder, 'second') });
    await expect(second).rejects.toThrow('white space');
    expect(agent.endpoints).toEqual(['nse']);
  });

  test('is waited for, or not', async () => {
    await agent.stop();
    await expect(serve()).rejects.toBeInstanceOf(Unreachable);
    const late = serve({ waitMs: 20_000 });
    await agent.start();
    expect((await late).registered).toBe(true);
    await agent.stop();
    const signal = AbortSignal.timeout(60);
    await expect(serve({ name: 'b', socket: join(folder, 'b'), waitMs: 20_000, signal })).rejects.toThrow();
    await agent.start();
  });

  test('that accepts and never speaks is told of', async () => {
    await agent.stop();
    const mute = await Mute.at(agent.path);
    await expect(serve({ dialTimeoutMs: 40 })).rejects.toThrow('within 40 ms: nobody speaks HTTP/2 there');
    await mute.close();
    await agent.start();
  });

  test('gives an endpoint that comes back its connections, before others get their addresses', async () => {
    const before = await serve();
    const gone = await client.request({ service: 'vpn' });
    const kept = await client.request({ service: 'vpn' });
    await gone.close();
    await before.close();
    const after = await serve();
    expect(after.connections).toHaveLength(1);
    expect((await client.request({ service: 'vpn' })).addresses).toEqual(['10.0.0.1/32']);
    await kept.refresh();
    expect(kept.addresses).toEqual(['10.0.0.3/32']);
  });
});
