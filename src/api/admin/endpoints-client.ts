import { create } from '@bufbuild/protobuf';
import type { EndpointChange, EndpointItem, EndpointSpec } from '../../features/connection/api.ts';
import type { Channel } from './channel.ts';
import { addEndpointRequest, endpointItem, updateEndpointRequest } from './endpoint-message.ts';
import { methods } from './methods.ts';
import { ListEndpointsRequestSchema, RemoveEndpointRequestSchema } from './vwire/v1/endpoint_pb.ts';

/** Who offers services. Every method throws Failure or Unreachable. */
export class EndpointsClient {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async add(spec: EndpointSpec): Promise<EndpointItem> {
    return endpointItem(await this.#channel.call(methods.endpoints.add, addEndpointRequest(spec)));
  }

  async remove(name: string): Promise<void> {
    await this.#channel.call(methods.endpoints.remove, create(RemoveEndpointRequestSchema, { name }));
  }

  async update(name: string, change: EndpointChange): Promise<EndpointItem> {
    const request = updateEndpointRequest(name, change);
    return endpointItem(await this.#channel.call(methods.endpoints.update, request));
  }

  async list(): Promise<EndpointItem[]> {
    const { endpoints } = await this.#channel.call(
      methods.endpoints.list,
      create(ListEndpointsRequestSchema),
    );
    return endpoints.map(endpointItem);
  }
}
