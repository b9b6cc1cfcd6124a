import { create } from '@bufbuild/protobuf';
import type { ServiceSpec } from '../../features/connection/api.ts';
import type { Channel } from './channel.ts';
import { methods } from './methods.ts';
import { serviceMessage, serviceSpec } from './service-message.ts';
import { ListServicesRequestSchema, RemoveServiceRequestSchema } from './vwire/v1/service_pb.ts';

/** Which endpoints the clients of a service get. Every method throws Failure or Unreachable. */
export class ServicesClient {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async put(spec: ServiceSpec): Promise<ServiceSpec> {
    return serviceSpec(await this.#channel.call(methods.services.put, serviceMessage(spec)));
  }

  async remove(name: string): Promise<void> {
    await this.#channel.call(methods.services.remove, create(RemoveServiceRequestSchema, { name }));
  }

  async list(): Promise<ServiceSpec[]> {
    const { services } = await this.#channel.call(methods.services.list, create(ListServicesRequestSchema));
    return services.map(serviceSpec);
  }
}
