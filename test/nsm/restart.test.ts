import { create } from '@bufbuild/protobuf';
import { afterAll, afterEach, expect, jest, test } from '@jest/globals';
import { NsmClient } from '../../src/api/nsm/grpc/client.ts';
import { NetworkServiceQuerySchema } from '../../src/api/nsm/proto/registry_pb.ts';
import { failOnLeakedFds } from '../fds.ts';
import { Pods } from '../pods.ts';
import { Node } from '../wire/node.ts';
import { service } from './records.ts';

jest.setTimeout(30_000);
const node = new Node();
const pods = new Pods();
afterEach(() => node.stop());
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

async function known(url: string): Promise<string[]> {
  const client = new NsmClient({ url });
  const names: string[] = [];
  for await (const { networkService } of client.findServices(create(NetworkServiceQuerySchema)))
    names.push(`${networkService?.name ?? ''} ${networkService?.payload ?? ''}`);
  client.dispose();
  return names.sort();
}

test('services that people put and workloads registered outlive the agent', async () => {
  let agent = await node.start();
  const [url = ''] = agent.urls;
  const client = new NsmClient({ url });
  await client.registerService(service('of-a-workload'));
  client.dispose();
  const put = { name: 'of-people', payload: 'ETHERNET', matches: [] };
  await agent.services?.put(put);
  expect(await known(url)).toEqual(['of-a-workload IP', 'of-people ETHERNET']);
  agent = await node.restart();
  expect(await known(url)).toEqual(['of-a-workload IP', 'of-people ETHERNET']);
  expect(agent.services?.list()).toContainEqual(put);
  await agent.services?.remove('of-people');
  await node.restart();
  expect(await known(url)).toEqual(['of-a-workload IP']);
});

test('a service that an endpoint of the agent brought is there as long as that one is', async () => {
  let agent = await node.start();
  const [url = ''] = agent.urls;
  const before = await known(url);
  const netns = `name:${pods.make('server')}`;
  const spec = { labels: {}, netns, pools: ['172.16.1.0/24'], routes: [], mtu: null, payload: 'IP' };
  await agent.endpoints?.add({ ...spec, name: 'one', services: ['brought'] });
  agent = await node.restart();
  expect(await known(url)).toEqual(['brought IP', ...before]);
  await agent.endpoints?.add({ ...spec, name: 'two', services: ['brought'] });
  await agent.endpoints?.remove('one');
  expect(await known(url)).toEqual(['brought IP', ...before]);
  await agent.endpoints?.remove('two');
  expect(await known(url)).toEqual(before);
  await node.restart();
  expect(await known(url)).toEqual(before);
});
