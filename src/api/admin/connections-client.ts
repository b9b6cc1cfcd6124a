import { create } from '@bufbuild/protobuf';
import type { ConnectionItem } from '../../features/connection/api.ts';
import type { Channel } from './channel.ts';
import { connectionItem } from './connection-message.ts';
import { methods } from './methods.ts';
import {
  CloseConnectionRequestSchema,
  ListConnectionsRequestSchema,
  WatchConnectionsRequestSchema,
} from './vwire/v1/connection_pb.ts';

/** What `ConnectionChange` of the feature is, with types that only a newer agent knows. */
export interface ReceivedChange {
  at: string;
  type: string;
  id: string;
  detail: string;
}

/** What workloads asked for. Every method throws Failure or Unreachable. */
export class ConnectionsClient {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async list(): Promise<ConnectionItem[]> {
    const { connections } = await this.#channel.call(
      methods.connections.list,
      create(ListConnectionsRequestSchema),
    );
    return connections.map(connectionItem);
  }

  async close(id: string): Promise<void> {
    await this.#channel.call(methods.connections.close, create(CloseConnectionRequestSchema, { id }));
  }

  /** Changes from now on; see `Channel.stream`. */
  async *watch(onBegin: () => void = () => undefined): AsyncGenerator<ReceivedChange, void, undefined> {
    const request = create(WatchConnectionsRequestSchema);
    for await (const change of this.#channel.stream(methods.connections.watch, request, onBegin)) {
      const { at, type, id, detail } = change;
      yield { at, type, id, detail };
    }
  }
}
