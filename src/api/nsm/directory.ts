import type { EndpointItem } from '../../features/connection/api.ts';
import type { EndpointRecord } from '../../state/endpoint-record.ts';
import type { Candidate, Directory } from './chain/discover.ts';
import type { HostedRegistry } from './hosted.ts';
import { create } from '@bufbuild/protobuf';
import { NetworkServiceEndpointSchema, NetworkServiceSchema } from './proto/registry_pb.ts';
import type { EndpointEntry } from './registry/endpoints.ts';
import { agentOwner } from './registry/registrant.ts';
import type { RegistryStore } from './registry/store.ts';

const agent = { owner: agentOwner } as const;

/** The registry as the chain asks it. */
export function directoryOf(store: RegistryStore): Directory {
  const candidate = ({ record, target }: EndpointEntry, payload: string, reason: string): Candidate => ({
    name: record.name,
    target,
    payload,
    reason,
  });
  return {
    named: (name, service) =>
      candidate(store.endpoint(name), store.services.get(service)?.payload ?? '', 'named by the client'),
    candidates(name, payload, labels) {
      const { service, endpoints } = store.candidates(name, payload, labels);
      return endpoints.map(({ endpoint, reason }) =>
        candidate(store.endpoint(endpoint.name), service.payload, reason),
      );
    },
  };
}

/** The registry as hosted endpoints use it. `connections` counts those of an endpoint. */
export function hostedRegistryOf(
  store: RegistryStore,
  connections: (endpoint: string) => number,
): HostedRegistry {
  return {
    register({ name, services, labels, payload }: EndpointRecord) {
      for (const service of services)
        if (store.services.get(service) === null)
          store.registerService(create(NetworkServiceSchema, { name: service, payload }), agent);
      const record = create(NetworkServiceEndpointSchema, {
        name,
        networkServiceNames: [...services],
        networkServiceLabels: Object.fromEntries(
          services.map((service) => [service, { labels: { ...labels } }]),
        ),
      });
      try {
        store.registerEndpoint(record, { ...agent, neverExpires: true, target: '' });
      } catch (error) {
        store.forgetUnserved(services);
        throw error;
      }
    },
    unregister(name) {
      store.unregisterEndpoint(name, agent);
    },
    list: () =>
      store.endpoints.list().map(({ record, expires }): EndpointItem => ({
        name: record.name,
        services: [...record.networkServiceNames],
        labels: Object.fromEntries(
          Object.entries(record.networkServiceLabels).map(([service, { labels }]) => [
            service,
            { ...labels },
          ]),
        ),
        url: record.url,
        hosted: false,
        netns: null,
        pools: [],
        expires: expires === null ? null : new Date(expires).toISOString(),
        connections: connections(record.name),
      })),
  };
}
