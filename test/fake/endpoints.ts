import { Failure } from '../../src/features/failure.ts';
import type {
  EndpointChange,
  EndpointItem,
  EndpointSpec,
  Endpoints,
} from '../../src/features/connection/api.ts';
import { Gate } from './gate.ts';

/** The interface `Endpoints` without a kernel. */
export class MemoryEndpoints extends Gate implements Endpoints {
  readonly #items = new Map<string, EndpointItem>();

  /** Puts an endpoint in as it is, such as one that registered itself. */
  put(item: EndpointItem): void {
    this.#items.set(item.name, item);
  }

  async add(spec: EndpointSpec): Promise<EndpointItem> {
    await this.pass({ add: spec });
    const name = spec.name ?? `${spec.services[0] ?? ''}-${this.#items.size + 1}`;
    if (this.#items.has(name))
      throw new Failure('refused', `Endpoint '${name}' is there already`, {
        field: 'name',
        value: name,
        allowed: 'a name no endpoint has',
      });
    const item: EndpointItem = {
      name,
      services: spec.services,
      labels: Object.fromEntries(spec.services.map((service) => [service, spec.labels])),
      url: '',
      hosted: true,
      netns: spec.netns,
      pools: spec.pools.map((prefix) => ({ prefix, used: 0 })),
      expires: null,
      connections: 0,
    };
    this.#items.set(name, item);
    return item;
  }

  async update(name: string, change: EndpointChange): Promise<EndpointItem> {
    await this.pass({ update: name, change });
    const item = this.#items.get(name);
    if (item === undefined)
      throw new Failure('not_found', `No endpoint '${name}'`, { field: 'endpoint', value: name });
    const pools = change.pools?.map((prefix) => ({ prefix, used: 0 })) ?? item.pools;
    this.#items.set(name, { ...item, pools });
    return { ...item, pools };
  }

  async remove(name: string): Promise<void> {
    await this.pass({ remove: name });
    const item = this.#items.get(name);
    if (item === undefined)
      throw new Failure('not_found', `No endpoint '${name}'`, { field: 'endpoint', value: name });
    if (!item.hosted)
      throw new Failure('refused', `Endpoint '${name}' answers for itself at '${item.url}'`, {
        field: 'endpoint',
        value: name,
        allowed: 'an endpoint that this agent answers for',
      });
    this.#items.delete(name);
  }

  list(): EndpointItem[] {
    return [...this.#items.values()];
  }
}
