import { Failure } from '../../src/features/failure.ts';
import type { ServiceSpec, Services } from '../../src/features/connection/api.ts';
import { Gate } from './gate.ts';

/** The interface `Services` without a registry. */
export class MemoryServices extends Gate implements Services {
  readonly #specs = new Map<string, ServiceSpec>();

  async put(spec: ServiceSpec): Promise<ServiceSpec> {
    await this.pass({ put: spec });
    this.#specs.set(spec.name, spec);
    return spec;
  }

  async remove(name: string): Promise<void> {
    await this.pass({ remove: name });
    if (!this.#specs.delete(name))
      throw new Failure('not_found', `No service '${name}'`, { field: 'service', value: name });
  }

  list(): ServiceSpec[] {
    return [...this.#specs.values()];
  }
}
