import { create } from '@bufbuild/protobuf';
import type { MatchSpec, Services, ServiceSpec } from '../../../features/connection/api.ts';
import { Failure } from '../../../features/failure.ts';
import { NetworkServiceSchema, type Match, type NetworkService } from '../proto/registry_pb.ts';
import { shown } from './check-record.ts';
import type { NetworkServices } from './services.ts';

/** The services as people put, remove and list them. */
export class ServiceBook implements Services {
  readonly #services: NetworkServices;

  constructor(services: NetworkServices) {
    this.#services = services;
  }

  async put(spec: ServiceSpec): Promise<ServiceSpec> {
    return specOf(this.#services.put(messageOf(spec)));
  }

  async remove(name: string): Promise<void> {
    if (this.#services.delete(name)) return;
    throw new Failure('not_found', `Network service '${shown(name)}' is not known`, {
      field: 'service',
      value: shown(name),
      allowed: 'a service that was put',
    });
  }

  list(): ServiceSpec[] {
    return this.#services.list().map(specOf);
  }
}

const messageOf = ({ name, payload, matches }: ServiceSpec): NetworkService =>
  create(NetworkServiceSchema, {
    name,
    payload,
    matches: matches.map(({ source, routes, fallthrough, metadata }) => ({
      sourceSelector: { ...source },
      routes: routes.map(({ destination, weight }) => ({ destinationSelector: { ...destination }, weight })),
      fallthrough,
      ...(metadata === null ? {} : { metadata: { labels: { ...metadata } } }),
    })),
  });

const specOf = ({ name, payload, matches }: NetworkService): ServiceSpec => ({
  name,
  payload,
  matches: matches.map(matchOf),
});

const matchOf = ({ sourceSelector, routes, fallthrough, metadata }: Match): MatchSpec => ({
  source: { ...sourceSelector },
  routes: routes.map(({ destinationSelector, weight }) => ({
    destination: { ...destinationSelector },
    weight,
  })),
  fallthrough,
  metadata: metadata === undefined ? null : { ...metadata.labels },
});
