// The agent's own connections, endpoints and services, held to what is said of every implementation.
import { afterAll } from '@jest/globals';
import { connectionContract, type Subject } from '../fake/contract.ts';
import { Pods } from '../pods.ts';
import { Node } from '../wire/node.ts';

const pods = new Pods();
const server = pods.make('server');

afterAll(() => {
  pods.close();
});

connectionContract('connections, endpoints and services of an agent', async (): Promise<Subject> => {
  const node = new Node();
  const { connections, endpoints, services } = await node.start();
  if (connections === null || endpoints === null || services === null)
    throw new Error('the agent serves no workloads');
  return {
    connections,
    endpoints,
    services,
    netns: `name:${server}`,
    close: async () => {
      for (const { name } of endpoints.list()) await endpoints.remove(name);
      await node.close();
    },
  };
});
