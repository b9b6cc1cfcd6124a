import { methodOf } from '../method.ts';
import { Connections } from './vwire/v1/connection_pb.ts';
import { Endpoints } from './vwire/v1/endpoint_pb.ts';
import { Services } from './vwire/v1/service_pb.ts';
import { Agent, Wires } from './vwire/v1/vwire_pb.ts';

/** Every method of this api. */
export const methods = {
  wires: {
    add: methodOf(Wires.method.add),
    update: methodOf(Wires.method.update),
    remove: methodOf(Wires.method.remove),
    list: methodOf(Wires.method.list),
    watch: methodOf(Wires.method.watch),
  },
  connections: {
    list: methodOf(Connections.method.list),
    close: methodOf(Connections.method.close),
    watch: methodOf(Connections.method.watch),
  },
  endpoints: {
    add: methodOf(Endpoints.method.add),
    update: methodOf(Endpoints.method.update),
    remove: methodOf(Endpoints.method.remove),
    list: methodOf(Endpoints.method.list),
  },
  services: {
    put: methodOf(Services.method.put),
    remove: methodOf(Services.method.remove),
    list: methodOf(Services.method.list),
  },
  agent: {
    status: methodOf(Agent.method.status),
    setLogLevel: methodOf(Agent.method.setLogLevel),
    getLogLevels: methodOf(Agent.method.getLogLevels),
  },
};
