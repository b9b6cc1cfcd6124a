import { create } from '@bufbuild/protobuf';
import { Failure } from '../../features/failure.ts';
import type { ConnectionChange } from '../../features/connection/api.ts';
import type { WireEvent } from '../../features/wire/api.ts';
import type { AdminAgent } from './agent.ts';
import type { Answers } from './answers.ts';
import { connectionMessage } from './connection-message.ts';
import { endpointChange, endpointMessage, endpointSpec } from './endpoint-message.ts';
import { levelsMessage, logSettingOf } from './log-message.ts';
import { methods } from './methods.ts';
import { changeOf, nameOf, specOf } from './request.ts';
import { serviceMessage, serviceSpec } from './service-message.ts';
import {
  CloseConnectionResponseSchema,
  type ConnectionChange as ConnectionChangeMessage,
  ConnectionChangeSchema,
  ListConnectionsResponseSchema,
} from './vwire/v1/connection_pb.ts';
import { ListEndpointsResponseSchema, RemoveEndpointResponseSchema } from './vwire/v1/endpoint_pb.ts';
import { ListServicesResponseSchema, RemoveServiceResponseSchema } from './vwire/v1/service_pb.ts';
import {
  ListWiresResponseSchema,
  RemoveWireResponseSchema,
  StatusResponseSchema,
  type WireEvent as WireEventMessage,
  WireEventSchema,
} from './vwire/v1/vwire_pb.ts';
import { Watchers } from './watchers.ts';
import { wireMessage } from './wire-message.ts';

/** The streams that are open; whoever serves closes them before the agent stops. */
export interface Streams {
  close(): void;
}

function served<T>(part: T | null, what: string): T {
  if (part !== null) return part;
  throw new Failure('unsupported', `This agent has no ${what}`);
}

function handleWires(answers: Answers, { wires }: AdminAgent): Streams {
  answers.to(methods.wires.add, {
    answer: async (request) => wireMessage(await wires.add(specOf(request))),
    undo: async ({ id }) => wires.remove({ id }),
  });
  answers.to(methods.wires.update, {
    answer: async (request) => wireMessage(await wires.update(nameOf(request.wire), changeOf(request))),
  });
  answers.to(methods.wires.remove, {
    answer: async (request) => {
      await wires.remove(nameOf(request.wire));
      return create(RemoveWireResponseSchema);
    },
  });
  answers.to(methods.wires.list, {
    answer: async () => create(ListWiresResponseSchema, { wires: wires.list().map(wireMessage) }),
  });
  const watchers = new Watchers<WireEvent, WireEventMessage>({
    subscribe: (listener) => wires.subscribe(listener),
    message: (event) => create(WireEventSchema, event),
    remedy: 'list the wires',
  });
  answers.stream(methods.wires.watch, (call) => {
    watchers.add(call);
  });
  return watchers;
}

function handleConnections(answers: Answers, agent: AdminAgent): Streams {
  const connections = () => served(agent.connections, 'connections');
  answers.to(methods.connections.list, {
    answer: async () =>
      create(ListConnectionsResponseSchema, { connections: connections().list().map(connectionMessage) }),
  });
  answers.to(methods.connections.close, {
    answer: async ({ id }) => {
      await connections().close(id);
      return create(CloseConnectionResponseSchema);
    },
  });
  const watchers = new Watchers<ConnectionChange, ConnectionChangeMessage>({
    subscribe: (listener) => connections().subscribe(listener),
    message: (change) => create(ConnectionChangeSchema, change),
    remedy: 'list the connections',
  });
  answers.stream(methods.connections.watch, (call) => {
    watchers.add(call);
  });
  return watchers;
}

function handleEndpoints(answers: Answers, agent: AdminAgent): void {
  const endpoints = () => served(agent.endpoints, 'endpoints');
  answers.to(methods.endpoints.add, {
    answer: async (request) => endpointMessage(await endpoints().add(endpointSpec(request))),
    undo: async ({ name }) => endpoints().remove(name),
  });
  answers.to(methods.endpoints.update, {
    answer: async (request) =>
      endpointMessage(await endpoints().update(request.name, endpointChange(request))),
  });
  answers.to(methods.endpoints.remove, {
    answer: async ({ name }) => {
      await endpoints().remove(name);
      return create(RemoveEndpointResponseSchema);
    },
  });
  answers.to(methods.endpoints.list, {
    answer: async () =>
      create(ListEndpointsResponseSchema, { endpoints: endpoints().list().map(endpointMessage) }),
  });
}

function handleServices(answers: Answers, agent: AdminAgent): void {
  const services = () => served(agent.services, 'services');
  answers.to(methods.services.put, {
    answer: async (request) => serviceMessage(await services().put(serviceSpec(request))),
  });
  answers.to(methods.services.remove, {
    answer: async ({ name }) => {
      await services().remove(name);
      return create(RemoveServiceResponseSchema);
    },
  });
  answers.to(methods.services.list, {
    answer: async () =>
      create(ListServicesResponseSchema, { services: services().list().map(serviceMessage) }),
  });
}

function handleAgent(answers: Answers, agent: AdminAgent): void {
  answers.to(methods.agent.status, {
    answer: async () => {
      const said = agent.status();
      return create(StatusResponseSchema, { ...said, features: { ...said.features } });
    },
  });
  answers.to(methods.agent.setLogLevel, {
    answer: async (request) => {
      agent.logs.set(logSettingOf(request));
      return levelsMessage(agent.logs);
    },
  });
  answers.to(methods.agent.getLogLevels, { answer: async () => levelsMessage(agent.logs) });
}

/** Registers every method of this api. */
export function handle(answers: Answers, agent: AdminAgent): Streams {
  const streams = [handleWires(answers, agent), handleConnections(answers, agent)];
  handleEndpoints(answers, agent);
  handleServices(answers, agent);
  handleAgent(answers, agent);
  return {
    close() {
      for (const each of streams) each.close();
    },
  };
}
