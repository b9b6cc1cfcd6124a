// The endpoint of service `vpn` in tests of the library: an agent in memory, one client, and endpoints on a socket in a
// folder of their own, made anew for each test of the file that calls `eachWithVpn`.
import { afterEach, beforeEach } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connectClient } from '../../src/client/index.ts';
import { serveEndpoint, type ServedEndpoint, type ServeOptions } from '../../src/endpoint/index.ts';
import { FakeAgent } from '../fake/nsm-agent.ts';

export let agent: FakeAgent;
export let client: Client;
export let folder: string;
const served: ServedEndpoint[] = [];

export const path = (): string => join(folder, 'nse.sock');

export async function serve(more: Partial<ServeOptions> = {}): Promise<ServedEndpoint> {
  const endpoint = await serveEndpoint({
    service: 'vpn',
    name: 'nse',
    agent: agent.url,
    pools: ['10.0.0.0/24'],
    socket: path(),
    ...more,
  });
  served.push(endpoint);
  return endpoint;
}

export function eachWithVpn(): void {
  beforeEach(async () => {
    agent = await FakeAgent.start();
    client = await connectClient({ agent: agent.url, name: 'app' });
    folder = mkdtempSync(join(tmpdir(), 'vwire-nse-test-'));
  });

  afterEach(async () => {
    await client.close();
    for (const endpoint of served.splice(0)) await endpoint.close();
    await agent.close();
    rmSync(folder, { recursive: true });
  });
}
