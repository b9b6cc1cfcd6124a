import { methodOf } from '../../method.ts';
import { MonitorConnection } from '../proto/connection_pb.ts';
import { Health } from '../proto/health_pb.ts';
import { NetworkService } from '../proto/networkservice_pb.ts';
import { NetworkServiceEndpointRegistry, NetworkServiceRegistry } from '../proto/registry_pb.ts';

/** Every method of NSM's protocol, by its name in NsmServices. */
export const methods = {
  request: methodOf(NetworkService.method.request),
  close: methodOf(NetworkService.method.close),
  monitor: methodOf(MonitorConnection.method.monitorConnections),
  registerService: methodOf(NetworkServiceRegistry.method.register),
  unregisterService: methodOf(NetworkServiceRegistry.method.unregister),
  findServices: methodOf(NetworkServiceRegistry.method.find),
  registerEndpoint: methodOf(NetworkServiceEndpointRegistry.method.register),
  unregisterEndpoint: methodOf(NetworkServiceEndpointRegistry.method.unregister),
  findEndpoints: methodOf(NetworkServiceEndpointRegistry.method.find),
  check: methodOf(Health.method.check),
  watch: methodOf(Health.method.watch),
};
