import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type {
  Connections,
  EndpointSpec,
  Endpoints,
  ServiceSpec,
  Services,
} from '../../src/features/connection/api.ts';

/** What a contract is held against; `netns` is one that an endpoint may have its end in. */
export interface Subject {
  connections: Connections;
  endpoints: Endpoints;
  services: Services;
  netns: string;
  close(): Promise<void>;
}

const service: ServiceSpec = {
  name: 'one',
  payload: 'IP',
  matches: [
    {
      source: { app: 'client' },
      routes: [{ destination: { app: 'firewall' }, weight: 3 }],
      fallthrough: true,
      metadata: null,
    },
    { source: {}, routes: [], fallthrough: false, metadata: { p2p: 'true' } },
  ],
};

/** What every implementation of these words does, the ones in memory and the agent's. */
export function connectionContract(title: string, make: () => Promise<Subject>): void {
  describe(title, () => {
    let subject: Subject;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(async () => {
      await subject.close();
    });

    const spec = (more: Partial<EndpointSpec> = {}): EndpointSpec => ({
      name: 'e',
      services: ['one', 'two'],
      labels: { app: 'firewall' },
      netns: subject.netns,
      pools: ['10.0.0.0/24', 'fd00::/120'],
      routes: [{ prefix: '10.1.0.0/16', via: null }],
      mtu: null,
      payload: 'IP',
      ...more,
    });

    test('a service is put, replaced and removed', async () => {
      const { services } = subject;
      expect(await services.put(service)).toEqual(service);
      expect(services.list()).toEqual([service]);
      const changed = { ...service, payload: 'ETHERNET', matches: [] };
      await services.put(changed);
      expect(services.list()).toEqual([changed]);
      await services.remove('one');
      expect(services.list()).toEqual([]);
    });

    test('a service that is not there cannot be removed', async () => {
      await expect(subject.services.remove('none')).rejects.toMatchObject({
        code: 'not_found',
        field: 'service',
        value: 'none',
        message: expect.stringContaining("'none'"),
      });
    });

    test('an endpoint is added as it was said, and removed', async () => {
      const { endpoints } = subject;
      const item = await endpoints.add(spec());
      expect(item).toMatchObject({
        name: 'e',
        services: ['one', 'two'],
        labels: { one: { app: 'firewall' }, two: { app: 'firewall' } },
        url: '',
        hosted: true,
        pools: [
          { prefix: '10.0.0.0/24', used: 0 },
          { prefix: 'fd00::/120', used: 0 },
        ],
        connections: 0,
      });
      expect(endpoints.list()).toEqual([item]);
      await endpoints.remove('e');
      expect(endpoints.list()).toEqual([]);
    });

    test('an endpoint without a name gets one that no other has', async () => {
      const { endpoints } = subject;
      const names = [
        (await endpoints.add(spec({ name: null }))).name,
        (await endpoints.add(spec({ name: null, pools: ['10.2.0.0/24'] }))).name,
      ];
      expect(new Set(names).size).toBe(2);
      for (const name of names) expect(name).toContain('one');
    });

    test('a name that is taken is refused, one that is not there cannot be removed', async () => {
      const { endpoints } = subject;
      await endpoints.add(spec());
      await expect(endpoints.add(spec())).rejects.toMatchObject({
        code: 'refused',
        field: 'name',
        value: 'e',
        message: expect.stringContaining("'e'"),
      });
      await expect(endpoints.remove('none')).rejects.toMatchObject({
        code: 'not_found',
        field: 'endpoint',
        value: 'none',
      });
    });

    test('a connection that is not there cannot be closed', async () => {
      expect(subject.connections.list()).toEqual([]);
      await expect(subject.connections.close('none')).rejects.toMatchObject({
        code: 'not_found',
        field: 'connection',
        value: 'none',
      });
    });
  });
}
