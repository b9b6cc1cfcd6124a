import { MemoryAgent } from '../../../test/fake/agent.ts';
import { connectionContract } from '../../../test/fake/contract.ts';

connectionContract('connections, endpoints and services in memory', async () => {
  const { connections, endpoints, services } = new MemoryAgent();
  return { connections, endpoints, services, netns: 'name:server', close: async () => undefined };
});
