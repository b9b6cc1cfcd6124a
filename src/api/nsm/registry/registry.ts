import { clone, create } from '@bufbuild/protobuf';
import type { Logger } from 'pino';
import type { Call, NsmServices } from '../grpc/services.ts';
import {
  NetworkServiceEndpointResponseSchema,
  NetworkServiceEndpointSchema,
  NetworkServiceResponseSchema,
  NetworkServiceSchema,
  type NetworkService,
  type NetworkServiceEndpoint,
  type NetworkServiceEndpointQuery,
  type NetworkServiceEndpointResponse,
  type NetworkServiceQuery,
  type NetworkServiceResponse,
} from '../proto/registry_pb.ts';
import { ownerOf, registrantOf, type Trust } from './caller.ts';
import { checkEndpoint, checkServicePattern } from './check-record.ts';
import { isEndpointAsked, isServiceAsked } from './query.ts';
import type { Reach } from './reach.ts';
import type { RegistryStore } from './store.ts';
import type { Change } from './watch.ts';

type RegistryServices = Pick<
  NsmServices,
  | 'registerService'
  | 'unregisterService'
  | 'findServices'
  | 'registerEndpoint'
  | 'unregisterEndpoint'
  | 'findEndpoints'
>;

export interface RegistryOptions {
  store: RegistryStore;
  reach: Reach;
  isTrusted: Trust;
  log: Logger;
}

/** NSM's registries of services and endpoints, for callers. */
export class Registry implements RegistryServices {
  readonly #store: RegistryStore;
  readonly #reach: Reach;
  readonly #isTrusted: Trust;
  readonly #log: Logger;

  constructor({ store, reach, isTrusted, log }: RegistryOptions) {
    this.#store = store;
    this.#reach = reach;
    this.#isTrusted = isTrusted;
    this.#log = log;
  }

  async registerService(asked: NetworkService, { caller }: Call): Promise<NetworkService> {
    const by = registrantOf(caller, this.#isTrusted);
    const service = clone(NetworkServiceSchema, asked);
    service.pathIds = [];
    const kept = this.#store.registerService(service, by);
    this.#log.info({ service: kept.name, owner: by.owner }, 'service registered');
    return kept;
  }

  async unregisterService({ name }: NetworkService, { caller }: Call): Promise<void> {
    const by = registrantOf(caller, this.#isTrusted);
    this.#store.services.unregister(name, by);
    this.#log.info({ service: name, owner: by.owner }, 'service unregistered');
  }

  findServices(query: NetworkServiceQuery, { caller, signal }: Call): AsyncIterable<NetworkServiceResponse> {
    const asked = query.networkService ?? create(NetworkServiceSchema);
    checkServicePattern(asked);
    const { services } = this.#store;
    const wanted = { name: asked.name, fits: (service: NetworkService) => isServiceAsked(asked, service) };
    const found = query.watch
      ? services.watch({ ...wanted, owner: ownerOf(caller), signal })
      : services.find(wanted).map(there);
    return answers(found, (networkService, deleted) =>
      create(NetworkServiceResponseSchema, { networkService, deleted }),
    );
  }

  /** What the endpoint is dialled at is found out first; the URL stays as it was given. */
  async registerEndpoint(asked: NetworkServiceEndpoint, call: Call): Promise<NetworkServiceEndpoint> {
    checkEndpoint(asked);
    const by = registrantOf(call.caller, this.#isTrusted);
    const endpoint = clone(NetworkServiceEndpointSchema, asked);
    // Whoever says who it is without a proof is not believed.
    endpoint.pathIds = [];
    const { url: target, release } = await this.#reach.of(endpoint.name, endpoint.url, call);
    try {
      const isNew = this.#store.endpoints.get(endpoint.name) === null;
      const tokenExpires = call.token?.expires.getTime() ?? null;
      const kept = this.#store.registerEndpoint(endpoint, { ...by, tokenExpires, target, release });
      const about = {
        endpoint: kept.name,
        services: kept.networkServiceNames,
        owner: by.owner,
        url: kept.url,
      };
      this.#log[isNew ? 'info' : 'debug'](about, isNew ? 'endpoint registered' : 'endpoint registered again');
      return kept;
    } catch (error) {
      release();
      throw error;
    }
  }

  async unregisterEndpoint({ name }: NetworkServiceEndpoint, { caller }: Call): Promise<void> {
    const by = registrantOf(caller, this.#isTrusted);
    this.#store.unregisterEndpoint(name, by);
    this.#log.info({ endpoint: name, owner: by.owner }, 'endpoint unregistered');
  }

  findEndpoints(
    query: NetworkServiceEndpointQuery,
    { caller, signal }: Call,
  ): AsyncIterable<NetworkServiceEndpointResponse> {
    const asked = query.networkServiceEndpoint ?? create(NetworkServiceEndpointSchema);
    checkEndpoint(asked);
    const { endpoints } = this.#store;
    const wanted = {
      name: asked.name,
      fits: (endpoint: NetworkServiceEndpoint) => isEndpointAsked(asked, endpoint),
    };
    const found = query.watch
      ? endpoints.watch({ ...wanted, owner: ownerOf(caller), signal })
      : endpoints.find(wanted).map(there);
    return answers(found, (networkServiceEndpoint, deleted) =>
      create(NetworkServiceEndpointResponseSchema, { networkServiceEndpoint, deleted }),
    );
  }
}

const there = <T>(record: T): Change<T> => ({ record, deleted: false });

async function* answers<T, R>(
  changes: AsyncIterable<Change<T>> | Iterable<Change<T>>,
  answer: (record: T, deleted: boolean) => R,
): AsyncGenerator<R, void> {
  for await (const { record, deleted } of changes) yield answer(record, deleted);
}
