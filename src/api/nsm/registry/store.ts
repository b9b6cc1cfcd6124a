import type { Clock } from '../../../state/clock.ts';
import type { NetworkService, NetworkServiceEndpoint } from '../proto/registry_pb.ts';
import { Balance, type Choice } from './balance.ts';
import { candidatesNotFound, endpointNotFound, serviceNotFound } from './not-found.ts';
import { Endpoints, type EndpointEntry, type EndpointTerms } from './endpoints.ts';
import { matchRoutes } from './match.ts';
import type { Registrant } from './registrant.ts';
import { NetworkServices, type KeptService } from './services.ts';
import type { Labels } from './template.ts';

export interface StoreOptions {
  clock: Clock;
  /** Services of an earlier agent, and where they are kept over this one's end. */
  kept?: readonly KeptService[];
  write?: (service: KeptService) => void;
  remove?: (name: string) => void;
}

export interface Candidates {
  service: NetworkService;
  /** In order to be tried, each once; at least one. */
  endpoints: Choice[];
}

/** Who offers what on this node, and who is next to be asked for it. */
export class RegistryStore {
  readonly services: NetworkServices;
  readonly endpoints: Endpoints;
  readonly #balances = new Map<string, Balance>();
  #closed = false;

  constructor({ clock, kept = [], write = () => undefined, remove = () => undefined }: StoreOptions) {
    this.endpoints = new Endpoints(clock, (endpoint, gone) => {
      for (const service of gone) this.#balances.get(service)?.forget(endpoint);
      this.forgetUnserved(gone);
    });
    this.services = new NetworkServices(
      {
        clock,
        isServedBy: (service, owner) => this.endpoints.isServedBy(service, owner),
        write,
        remove,
        onChange: (name) => this.#balances.delete(name),
      },
      kept,
    );
  }

  registerService(service: NetworkService, by: Registrant): NetworkService {
    return this.services.register(service, by);
  }

  registerEndpoint(endpoint: NetworkServiceEndpoint, terms: EndpointTerms): NetworkServiceEndpoint {
    return this.endpoints.register(endpoint, terms);
  }

  unregisterEndpoint(name: string, by: Registrant): void {
    this.endpoints.unregister(name, by);
  }

  /**
   * The endpoints of a service for a client with these labels, the one whose turn it is first; the turn is then
   * taken. `payload` is what the client asks for, empty for any. Throws Failure `not_found`, in NSM's words.
   */
  candidates(name: string, payload: string, labels: Labels): Candidates {
    const service = this.services.get(name);
    if (service === null || (payload !== '' && payload !== service.payload))
      throw serviceNotFound(name, payload, service, this.services.list());
    const serving = this.endpoints.serving(name);
    const balance = this.#balances.get(name) ?? new Balance();
    const endpoints = balance.next(matchRoutes(labels, service, serving));
    if (endpoints.length === 0) throw candidatesNotFound(service, serving);
    this.#balances.set(name, balance);
    return { service, endpoints };
  }

  /** An endpoint that a client names. Throws Failure `not_found`, in NSM's words. */
  endpoint(name: string): EndpointEntry {
    const entry = this.endpoints.get(name);
    if (entry === null) throw endpointNotFound(name, this.endpoints.list());
    return entry;
  }

  /** Of these services, those go that only endpoints of the agent have brought and no endpoint serves any more. */
  forgetUnserved(names: readonly string[]): void {
    if (this.#closed) return;
    for (const name of names) if (this.endpoints.serving(name).length === 0) this.services.unserved(name);
  }

  /** Releases what is held for endpoints; services are kept. */
  close(): void {
    this.#closed = true;
    this.endpoints.close();
  }
}
