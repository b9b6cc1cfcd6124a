import { create } from '@bufbuild/protobuf';
import type { WireItem, WireName } from '../../features/wire/api.ts';
import type { AgentStatus } from './agent.ts';
import { Channel, type ChannelConfig } from './channel.ts';
import { ConnectionsClient } from './connections-client.ts';
import { EndpointsClient } from './endpoints-client.ts';
import { methods } from './methods.ts';
import { type AskedChange, type AskedWire, addRequest, nameMessage, updateRequest } from './request.ts';
import { ServicesClient } from './services-client.ts';
import {
  GetLogLevelsRequestSchema,
  ListWiresRequestSchema,
  RemoveWireRequestSchema,
  SetLogLevelRequestSchema,
  StatusRequestSchema,
  WatchWiresRequestSchema,
} from './vwire/v1/vwire_pb.ts';
import { wireItem } from './wire-message.ts';

export type ClientConfig = ChannelConfig;

/** What `WireEvent` of the feature is, with types that only a newer agent knows. */
export interface ReceivedEvent {
  at: string;
  type: string;
  wire: number;
  connection: string;
  detail: string;
}

/** A client of one agent. Every method throws Failure or Unreachable. Whoever made it closes it. */
export class AdminClient {
  readonly #channel: Channel;
  readonly connections: ConnectionsClient;
  readonly endpoints: EndpointsClient;
  readonly services: ServicesClient;

  constructor(config: ClientConfig) {
    this.#channel = new Channel(config);
    this.connections = new ConnectionsClient(this.#channel);
    this.endpoints = new EndpointsClient(this.#channel);
    this.services = new ServicesClient(this.#channel);
  }

  async add(spec: AskedWire): Promise<WireItem> {
    return wireItem(await this.#channel.call(methods.wires.add, addRequest(spec)));
  }

  async update(name: WireName, change: AskedChange): Promise<WireItem> {
    return wireItem(await this.#channel.call(methods.wires.update, updateRequest(name, change)));
  }

  async remove(name: WireName): Promise<void> {
    await this.#channel.call(
      methods.wires.remove,
      create(RemoveWireRequestSchema, { wire: nameMessage(name) }),
    );
  }

  async list(): Promise<WireItem[]> {
    const { wires } = await this.#channel.call(methods.wires.list, create(ListWiresRequestSchema));
    return wires.map(wireItem);
  }

  /** Events from now on; see `Channel.stream`. */
  async *watch(onBegin: () => void = () => undefined): AsyncGenerator<ReceivedEvent, void, undefined> {
    const request = create(WatchWiresRequestSchema);
    for await (const event of this.#channel.stream(methods.wires.watch, request, onBegin)) {
      const { at, type, wire, connection, detail } = event;
      yield { at, type, wire, connection, detail };
    }
  }

  async status(): Promise<AgentStatus> {
    const { version, instance, pid, since, ffi, libbpf, kernel, features } = await this.#channel.call(
      methods.agent.status,
      create(StatusRequestSchema),
    );
    return { version, instance, pid, since, ffi, libbpf, kernel, features };
  }

  /** Subsystem to level, as they are then; a null subsystem means all of them. */
  async setLogLevel(subsystem: string | null, level: string): Promise<Record<string, string>> {
    const request = create(SetLogLevelRequestSchema, { subsystem: subsystem ?? '', level });
    return (await this.#channel.call(methods.agent.setLogLevel, request)).levels;
  }

  async logLevels(): Promise<Record<string, string>> {
    return (await this.#channel.call(methods.agent.getLogLevels, create(GetLogLevelsRequestSchema))).levels;
  }

  close(): void {
    this.#channel.close();
  }
}
