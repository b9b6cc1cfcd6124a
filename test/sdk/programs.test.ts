import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { connectClient, type Client } from '../../src/client/index.ts';
import { serveEndpoint, type ServedEndpoint, type ServeOptions } from '../../src/endpoint/index.ts';
import { failOnLeakedFds, openFds } from '../fds.ts';
import { eventually, run } from '../pods.ts';
import { addressesOf, devicesOf, ping, routesOf, SdkPlace, stateOf, untilAsync } from './place.ts';

jest.setTimeout(120_000);
const place = new SdkPlace();
const open: (ServedEndpoint | Client)[] = [];
beforeAll(async () => {
  await place.start();
});
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
  place.clear();
});
afterAll(() => place.close());
failOnLeakedFds();

async function serve(pod: string, more: Partial<ServeOptions> = {}): Promise<ServedEndpoint> {
  const endpoint = await serveEndpoint({
    service: 'lan',
    agent: place.url,
    netns: place.netns(pod),
    pools: ['172.16.1.0/24', '2001:db8::/64'],
    ...more,
  });
  open.push(endpoint);
  return endpoint;
}

async function connect(name?: string): Promise<Client> {
  const client = await connectClient({ agent: place.url, ...(name !== undefined && { name }) });
  open.push(client);
  return client;
}

describe('a program', () => {
  test('has several clients, and a client several services, each with its own interface', async () => {
    const [gate, dns, red, blue] = place.make('gate', 'dns', 'red', 'blue');
    await serve(gate);
    await serve(dns, { service: 'names', pools: ['10.53.0.0/30'] });
    const client = await connect();
    const of = (pod: string, service: string, name: string) =>
      client.request({ service, netns: place.netns(pod), interface: name });
    const [a, b, c] = await Promise.all([
      of(red, 'lan', 'lan0'),
      of(blue, 'lan', 'lan0'),
      of(red, 'names', 'dns0'),
    ]);
    expect(devicesOf(red).sort()).toEqual(['dns0', 'lan0', 'lo']);
    for (const [pod, handle] of [
      [red, a],
      [blue, b],
      [red, c],
    ] as const) {
      expect(addressesOf(pod, handle.interface).sort()).toEqual([...handle.addresses].sort());
      ping(place.pods, pod, ...handle.peerAddresses);
    }
    ping(place.pods, gate, ...a.addresses, ...b.addresses);
    expect(new Set([...a.addresses, ...b.addresses]).size).toBe(4);
    expect(devicesOf(gate)).toHaveLength(3);
    await a.close();
    expect(devicesOf(red).sort()).toEqual(['dns0', 'lo']);
    ping(place.pods, blue, ...b.peerAddresses);
  });

  test('gives a descriptor of a namespace for one', async () => {
    const [gate, red] = place.make('gate', 'red');
    await serve(gate);
    const client = await connect();
    const fd = openSync(place.netns(red), 'r');
    const handle = await client.request({ service: 'lan', netns: fd, interface: 'lan0' });
    closeSync(fd);
    ping(place.pods, red, ...handle.peerAddresses);
    await handle.refresh();
    await handle.close();
    expect(devicesOf(red)).toEqual(['lo']);
  });

  test('asks again, and nothing at all changes', async () => {
    const [gate, red] = place.make('gate', 'red');
    await serve(gate, { routes: ['10.10.0.0/16'], policies: [{ dport: '53', routes: ['0.0.0.0/0'] }] });
    const handle = await (await connect()).request({ service: 'lan', netns: place.netns(red) });
    const before = [red, gate].map(stateOf);
    for (let i = 0; i < 3; i += 1) await handle.refresh();
    expect([red, gate].map(stateOf)).toEqual(before);
  });

  test('has the address that a policy of the endpoint matches by, and talks from it', async () => {
    const [gate, red] = place.make('gate', 'red');
    const policies = [{ from: '172.20.0.9/24', ipProto: '1', routes: ['0.0.0.0/0'] }];
    const endpoint = await serve(gate, { policies });
    const client = await connect();
    const handle = await client.request({ service: 'lan', netns: place.netns(red), interface: 'lan0' });
    expect(handle.addresses).toContain('172.20.0.9/24');
    run('ip', '-n', gate, 'addr', 'add', '192.0.2.1/32', 'dev', 'lo');
    place.pods.exec(red, 'ping', '-n', '-c', '1', '-W', '3', '-I', '172.20.0.9', '192.0.2.1');
    endpoint.update({ policies: [] });
    await eventually(() => {
      expect(addressesOf(red, 'lan0')).toHaveLength(2);
    });
  });

  test('changes routes, addresses and the MTU of connections that stand', async () => {
    const [gate, red] = place.make('gate', 'red');
    const endpoint = await serve(gate, { routes: ['10.10.0.0/16'] });
    const handle = await (
      await connect()
    ).request({ service: 'lan', netns: place.netns(red), interface: 'lan0' });
    const told = (async () => {
      for await (const { type } of handle.monitor()) if (type === 'changed') break;
    })();
    endpoint.update({ pools: ['172.20.0.0/24'], routes: ['10.20.0.0/16'], mtu: 1300 });
    await told;
    expect([handle.addresses, handle.mtu]).toEqual([['172.20.0.1/32'], 1300]);
    await eventually(() => {
      expect(addressesOf(red, 'lan0')).toEqual(['172.20.0.1/32']);
      expect(routesOf(red, 'lan0').sort()).toEqual(['10.20.0.0/16', '172.20.0.0']);
    });
    ping(place.pods, red, '172.20.0.0');
    expect(() => {
      ping(place.pods, red, '172.16.1.0');
    }).toThrow();
  });

  test('leaves nothing after many connections', async () => {
    const [gate, red] = place.make('gate', 'red');
    const endpoint = await serve(gate);
    const client = await connect();
    const once = async (): Promise<void> => {
      await (await client.request({ service: 'lan', netns: place.netns(red) })).close();
    };
    await once();
    const before = openFds().size;
    for (let i = 0; i < 10; i += 1) await Promise.all(Array.from({ length: 5 }, once));
    expect(openFds().size).toBeLessThanOrEqual(before);
    expect([devicesOf(red), devicesOf(gate)]).toEqual([['lo'], ['lo']]);
    expect(endpoint.connections).toEqual([]);
    expect(endpoint.pools.map(({ used }) => used)).toEqual([0, 0]);
    expect(await place.agent.client.connections.list()).toEqual([]);
  });
});

describe('a process', () => {
  test('that is killed leaves its connection for as long as it said', async () => {
    const [gate, red] = place.make('gate', 'red');
    await serve(gate);
    const options = { service: 'lan', interface: 'lan0', ttlMs: 3_000 };
    const program = place.program(red, 'test/sdk/asking.mjs', {}, JSON.stringify(options));
    await program.says('up lan0');
    program.signal('SIGKILL');
    await program.ended;
    expect(devicesOf(red)).toContain('lan0');
    await eventually(() => {
      expect(devicesOf(red)).toEqual(['lo']);
    }, 30_000);
  });

  test('that comes back under its name has the connection it had', async () => {
    const [gate, red] = place.make('gate', 'red');
    await serve(gate);
    const options = JSON.stringify({ service: 'lan', interface: 'lan0' });
    const env = { NSM_NAME: `app-${red}` };
    const first = place.program(red, 'test/sdk/asking.mjs', env, options);
    await first.says('up lan0');
    first.signal('SIGKILL');
    await first.ended;
    const before = stateOf(red);
    const second = place.program(red, 'test/sdk/asking.mjs', env, options);
    await second.says('up lan0');
    expect(stateOf(red)).toEqual(before);
    expect(second.said).toBe(first.said);
    second.signal('SIGTERM');
    expect(await second.ended).toBe(0);
    expect(devicesOf(red)).toEqual(['lo']);
  });

  test('without any privilege connects the namespace it is in', async () => {
    const [gate, red] = place.make('gate', 'red');
    await serve(gate);
    // Into a pod the socket's folder alone is mounted.
    const mounted = `/run/workload-${red}`;
    mkdirSync(mounted);
    run('mount', '--bind', `${place.runDir}/${place.instance}/workload`, mounted);
    const program = place.programOf(
      65534,
      red,
      'test/sdk/asking.mjs',
      { NSM_CONNECT_TO: `unix://${mounted}/agent.sock` },
      JSON.stringify({ service: 'lan', interface: 'lan0', ttlMs: 60_000 }),
    );
    await program.says('up lan0');
    program.signal('SIGTERM');
    expect(await program.ended).toBe(0);
  });

  test('without any privilege keeps and closes what it opened in a namespace that it passes', async () => {
    const [gate, red, blue] = place.make('gate', 'red', 'blue');
    await serve(gate);
    const mounted = `/run/workload-${red}`;
    mkdirSync(mounted);
    run('mount', '--bind', `${place.runDir}/${place.instance}/workload`, mounted);
    const env = { NSM_CONNECT_TO: `unix://${mounted}/agent.sock` };
    const program = place.programOf(65534, red, 'test/sdk/passing.mjs', env, place.netns(blue));
    await program.says('refreshed lan0');
    await program.says('seen up');
    expect(devicesOf(blue).sort()).toEqual(['lan0', 'lo']);
    await program.says('the same on another socket: true');
    expect(await program.ended).toBe(0);
    expect(program.said).toContain('closed');
    expect(devicesOf(blue)).toEqual(['lo']);
  });
});

describe('an endpoint', () => {
  test('that comes back under its name finds its connections as they were', async () => {
    const [gate, red] = place.make('gate', 'red');
    const before = await serve(gate, { name: `gate-${gate}` });
    const client = await connect();
    const gone = await client.request({ service: 'lan', netns: place.netns(red), interface: 'lan0' });
    const kept = await client.request({ service: 'lan', netns: place.netns(red), interface: 'lan1' });
    await gone.close();
    const state = [red, gate].map(stateOf);
    await before.close();
    ping(place.pods, red, ...kept.peerAddresses);
    const after = await serve(gate, { name: `gate-${gate}` });
    expect(after.connections).toHaveLength(1);
    await untilAsync(async () => {
      const [connection] = await place.agent.client.connections.list();
      return connection?.state === 'up';
    });
    await eventually(() => {
      expect(kept.state).toBe('up');
    });
    expect([red, gate].map(stateOf)).toEqual(state);
  });
});

test.each([1, 3])(
  'an endpoint hears what was closed before it could register with new agents: %d',
  async (agents) => {
    const [gate, red] = place.make('gate', 'red');
    const mounted = `/run/workload-${gate}`;
    mkdirSync(mounted);
    run('mount', '--bind', `${place.runDir}/${place.instance}/workload`, mounted);
    const env = { NSM_CONNECT_TO: `unix://${mounted}/agent.sock` };
    const program = place.programOf(65534, gate, 'test/sdk/serving.mjs', env);
    await program.says('serving');
    const client = await connect();
    const [one, two] = await Promise.all(
      ['lan0', 'lan1'].map((name) =>
        client.request({ service: 'lan', netns: place.netns(red), interface: name }),
      ),
    );
    await one?.close();
    await program.says('closed');
    program.signal('SIGSTOP');
    await place.agent.kill();
    await place.start();
    await untilAsync(async () => (await place.agent.client.connections.list()).length === 1);
    await two?.close();
    expect([devicesOf(red), devicesOf(gate)]).toEqual([['lo'], ['lo']]);
    expect(program.said.match(/^closed$/gm)).toHaveLength(1);
    for (let i = 1; i < agents; i++) {
      await place.agent.kill();
      await place.start();
    }
    program.signal('SIGCONT');
    await program.says(/(?:closed[^]*){2}/);
    program.signal('SIGKILL');
    await program.ended;
  },
);

test('an agent that is killed and comes back changes nothing, and everybody is its again', async () => {
  const [gate, red] = place.make('gate', 'red');
  const endpoint = await serve(gate);
  const handle = await (await connect()).request({ service: 'lan', netns: place.netns(red), ttlMs: 60_000 });
  const before = [red, gate].map(stateOf);
  await place.agent.kill();
  ping(place.pods, red, ...handle.peerAddresses);
  await eventually(() => {
    expect(endpoint.registered).toBe(false);
  });
  await place.start();
  await eventually(() => {
    expect(endpoint.registered).toBe(true);
  }, 20_000);
  await handle.refresh();
  expect(handle.state).toBe('up');
  expect([red, gate].map(stateOf)).toEqual(before);
  await handle.close();
  expect([devicesOf(red), devicesOf(gate)]).toEqual([['lo'], ['lo']]);
});
