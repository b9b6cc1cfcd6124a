// What a request for 'web' gives:
//
//   pod client                      agent's namespace                       pod server
//   +---------------+           +------------------------+           +---------------------+
//   | eth0, default |           |                        |           | an interface for    |
//   | nsm-1 =================== | vw....l        vw....r | ================ every client    |
//   +---------------+           +------------------------+           +---------------------+
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '../../src/agent.ts';
import type { EndpointSpec } from '../../src/features/connection/api.ts';
import { State } from '../../src/api/nsm/proto/connection_pb.ts';
import { connectionsDirectory, wiresDirectory } from '../../src/state/view.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { links, nothing } from '../wire/inventory.ts';
import { Node } from '../wire/node.ts';
import { Asker } from './asker.ts';
import { gatewayIn } from './gateway.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [client, other, server] = [pods.make('client'), pods.make('other'), pods.make('server')];
let agent: Agent;
let asker: Asker;

const endpoint = (more: Partial<EndpointSpec> = {}): EndpointSpec => gatewayIn(server, more);

/** All that ip knows of a pod, but for what counts. */
const picture = (pod: string): string =>
  [
    ['addr'],
    ['-4', 'route', 'show', 'table', 'all'],
    ['-6', 'route', 'show', 'table', 'all'],
    ['rule'],
    ['-6', 'rule'],
  ]
    .map((args) => run('ip', '-n', pod, ...args))
    .join('\n');

beforeAll(async () => {
  for (const pod of [client, other]) {
    // Or the picture of the pod changes when duplicate address detection is over.
    run('ip', 'netns', 'exec', pod, 'sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0');
    pods.giveEth0(pod);
  }
  agent = await node.start();
  asker = new Asker(agent.urls[0] ?? '');
});
afterEach(async () => {
  for (const { id } of agent.connections?.list() ?? []) await agent.connections?.close(id);
  for (const { name, hosted } of agent.endpoints?.list() ?? [])
    if (hosted) await agent.endpoints?.remove(name);
  expect(node.inventory.held()).toEqual(nothing);
});
afterAll(async () => {
  asker.dispose();
  await node.close();
  pods.close();
});
failOnLeakedFds();

describe('a request for a service', () => {
  test('is answered when both pods can talk, and leaves alone what the pod had', async () => {
    const before = picture(client);
    await agent.endpoints?.add(endpoint());
    const connection = await asker.request(client, 'web', 'nsm-1');
    expect(connection).toMatchObject({
      state: State.UP,
      networkServiceEndpointName: 'gateway',
      mechanism: { cls: 'LOCAL', type: 'KERNEL', parameters: { name: 'nsm-1' } },
      context: {
        MTU: 1500,
        ipContext: {
          srcIpAddrs: ['172.16.1.1/32', '2001:db8::1/128'],
          dstIpAddrs: ['172.16.1.0/32', '2001:db8::/128'],
        },
      },
    });
    expect(connection.path?.pathSegments.map(({ name }) => name)).toEqual([
      'asker',
      'vwire-' + node.instance,
      'gateway',
    ]);
    for (const address of ['172.16.1.0', '2001:db8::'])
      pods.exec(client, 'ping', '-c', '1', '-W', '1', address);
    for (const address of ['172.16.1.1', '2001:db8::1'])
      pods.exec(server, 'ping', '-c', '1', '-W', '1', address);
    expect(run('ip', '-n', client, 'route', 'get', '10.96.3.4')).toContain('via 172.16.1.0 dev nsm-1');
    expect(run('ip', '-n', client, 'route', 'get', '8.8.8.8')).toContain('via 10.244.0.1 dev eth0');
    await asker.close(connection);
    expect(picture(client)).toBe(before);
    expect(links(server).map(({ ifname }) => ifname)).toEqual(['lo']);
  });

  test('made again changes nothing', async () => {
    await agent.endpoints?.add(endpoint());
    const connection = await asker.request(client, 'web', 'nsm-1');
    const before = picture(client) + picture(server);
    const again = await asker.refresh(client, connection);
    expect(again.path?.pathSegments.map(({ id }) => id)).toEqual(
      connection.path?.pathSegments.map(({ id }) => id),
    );
    expect(picture(client) + picture(server)).toBe(before);
    expect(agent.wires.list()).toHaveLength(1);
  });

  test('made again brings back what somebody took away in either pod, and is answered when both can talk', async () => {
    await agent.endpoints?.add(endpoint());
    const connection = await asker.request(client, 'web', 'nsm-1');
    const before = picture(client) + picture(server);
    const device = links(server).find(({ ifname }) => ifname !== 'lo')?.ifname ?? '';
    run('ip', '-n', client, 'addr', 'flush', 'dev', 'nsm-1', 'scope', 'global');
    run('ip', '-n', server, 'link', 'set', device, 'down');
    await eventually(() => {
      expect(agent.wires.list()).toMatchObject([{ state: 'down' }]);
    });
    await asker.refresh(client, connection);
    for (const address of ['172.16.1.0', '2001:db8::'])
      pods.exec(client, 'ping', '-c', '1', '-W', '1', address);
    // The kernel may list them in the order they came.
    expect((picture(client) + picture(server)).split('\n').sort()).toEqual(before.split('\n').sort());
  });

  test('several clients have an interface each at one endpoint, and several services one pod', async () => {
    await agent.endpoints?.add(endpoint());
    await agent.endpoints?.add(
      endpoint({ name: 'radio-tower', services: ['radio'], pools: ['172.17.0.0/24'], routes: [] }),
    );
    await asker.request(client, 'web', 'nsm-1');
    await asker.request(other, 'web', 'nsm-1');
    await asker.request(client, 'radio', 'nsm-2');
    pods.exec(client, 'ping', '-c', '1', '-W', '1', '172.16.1.0');
    pods.exec(other, 'ping', '-c', '1', '-W', '1', '172.16.1.2');
    pods.exec(client, 'ping', '-c', '1', '-W', '1', '172.17.0.0');
    expect(agent.endpoints?.list()).toMatchObject([
      { name: 'gateway', hosted: true, connections: 2 },
      { name: 'radio-tower', connections: 1 },
    ]);
  });

  test('is told what is wrong, and leaves nothing', async () => {
    await agent.endpoints?.add(endpoint());
    await expect(asker.request(client, 'nowhere', 'nsm-1')).rejects.toThrow(
      'network service nowhere is not found',
    );
    await expect(asker.request(client, 'web', 'eth0')).rejects.toThrow(
      "'eth0': an interface of that name exists",
    );
    await expect(asker.request(client, 'web', 'a-name-that-is-too-long')).rejects.toThrow(
      'a-name-that-is-too-long',
    );
    await asker.request(client, 'web', 'nsm-1');
    await expect(asker.request(client, 'web', 'nsm-1')).rejects.toThrow(
      "'nsm-1': an interface of that name exists",
    );
    expect(agent.connections?.list()).toHaveLength(1);
  });

  test('for an address the pod has already is refused by name', async () => {
    await agent.endpoints?.add(endpoint({ pools: ['10.244.0.0/24'] }));
    const before = picture(client);
    await expect(asker.request(client, 'web', 'nsm-1')).rejects.toThrow(/10\.244\.0\.0\/24.*eth0/);
    expect(picture(client)).toBe(before);
  });
});

describe('who ends', () => {
  test('the client’s namespace: the endpoint’s interface goes', async () => {
    const short = pods.make('short');
    await agent.endpoints?.add(endpoint());
    await asker.request(short, 'web', 'nsm-1');
    pods.remove(short);
    await eventually(() => {
      expect(agent.connections?.list()).toEqual([]);
    });
    expect(links(server).map(({ ifname }) => ifname)).toEqual(['lo']);
  });

  test('the endpoint’s namespace: down, until it is there again', async () => {
    const short = pods.make('short');
    await agent.endpoints?.add(endpoint({ netns: `name:${short}` }));
    const connection = await asker.request(client, 'web', 'nsm-1');
    pods.remove(short);
    await eventually(() => {
      expect(agent.connections?.list()).toMatchObject([{ state: 'down' }]);
    });
    run('ip', 'netns', 'add', short);
    try {
      await asker.refresh(client, connection);
      pods.exec(client, 'ping', '-c', '1', '-W', '1', '172.16.1.0');
      expect(agent.connections?.list()).toMatchObject([{ state: 'up' }]);
    } finally {
      run('ip', 'netns', 'del', short);
    }
  });
});

describe('an agent that is started again', () => {
  test('goes on with its connections and endpoints', async () => {
    await agent.endpoints?.add(endpoint());
    const connection = await asker.request(client, 'web', 'nsm-1');
    const before = picture(client) + picture(server);
    const items = agent.connections?.list();
    agent = await node.restart();
    expect(agent.connections?.list()).toEqual(items);
    expect(agent.endpoints?.list()).toMatchObject([
      { name: 'gateway', connections: 1, pools: [{ used: 2 }, { used: 2 }] },
    ]);
    const again = await asker.refresh(client, connection);
    expect(again.path?.pathSegments.map(({ id }) => id)).toEqual(
      connection.path?.pathSegments.map(({ id }) => id),
    );
    expect(picture(client) + picture(server)).toBe(before);
    const next = await asker.request(other, 'web', 'nsm-1');
    expect(next.context?.ipContext?.srcIpAddrs).toEqual(['172.16.1.3/32', '2001:db8::3/128']);
  });

  test('leaves one alone whose messages cannot be read, and its wire', async () => {
    await agent.endpoints?.add(endpoint());
    const connection = await asker.request(client, 'web', 'nsm-1');
    await asker.request(other, 'web', 'nsm-1');
    const items = agent.connections?.list() ?? [];
    const own = items.find(({ clientId }) => clientId === connection.id)?.id ?? '';
    await node.stop();
    const file = join(connectionsDirectory(join(node.runDir, node.instance)), `${own}.json`);
    const text = readFileSync(file, 'utf8');
    const torn = Buffer.from([0xff]).toString('base64');
    writeFileSync(file, text.replace(/"reply":"[^"]*"/, `"reply":"${torn}"`));
    agent = await node.start();
    expect(node.warnings.join('')).toContain(`${own}.json`);
    expect(agent.connections?.list()).toEqual(items.filter((item) => item.id !== own));
    pods.exec(client, 'ping', '-c', '1', '-W', '1', '172.16.1.0');
    const ended = new AbortController();
    for await (const event of asker.monitor(ended.signal)) {
      expect(Object.values(event.connections)).toHaveLength(1);
      break;
    }
    ended.abort();
    // Its client asks again, and has one wire as before.
    await asker.refresh(client, connection);
    expect(agent.connections?.list().map(({ clientId }) => clientId)).toContain(connection.id);
    expect(agent.wires.list().map(({ state }) => state)).toEqual(['open', 'open']);
    pods.exec(client, 'ping', '-c', '1', '-W', '1', '172.16.1.0');
  });

  test('and has lost what it knew of a connection gives it back to the client that asks again', async () => {
    await agent.endpoints?.add(endpoint());
    const connection = await asker.request(client, 'web', 'nsm-1');
    await node.stop();
    const directory = join(node.runDir, node.instance);
    rmSync(connectionsDirectory(directory), { recursive: true });
    rmSync(wiresDirectory(directory), { recursive: true });
    agent = await node.start();
    expect(agent.wires.list()).toMatchObject([{ state: 'orphan' }]);
    pods.exec(client, 'ping', '-c', '1', '-W', '1', '172.16.1.0');
    const again = await asker.refresh(client, connection);
    expect(again.context?.ipContext).toEqual(connection.context?.ipContext);
    expect(agent.wires.list()).toMatchObject([{ state: 'open', left: { name: 'nsm-1' } }]);
    pods.exec(client, 'ping', '-c', '1', '-W', '1', '172.16.1.0');
  });

  test('shows its connections to whoever watches', async () => {
    await agent.endpoints?.add(endpoint());
    await asker.request(client, 'web', 'nsm-1');
    agent = await node.restart();
    const ended = new AbortController();
    for await (const event of asker.monitor(ended.signal)) {
      expect(Object.values(event.connections)).toMatchObject([{ networkService: 'web', state: State.UP }]);
      break;
    }
    ended.abort();
  });
});
