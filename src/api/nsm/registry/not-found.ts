import { Failure } from '../../../features/failure.ts';
import type { NetworkService, NetworkServiceEndpoint } from '../proto/registry_pb.ts';
import { shown } from './check-record.ts';
import type { EndpointEntry } from './endpoints.ts';
import { maxNamesTold } from './limits.ts';

// The beginnings are NSM's own texts, which its clients' tests and people's searches know.

const told = (names: readonly string[]): string => {
  const some = names.slice(0, maxNamesTold).map((name) => `'${shown(name)}'`);
  const more = names.length - some.length;
  return more > 0 ? `${some.join(', ')} and ${more} more` : some.join(', ');
};

const failure = (message: string, field: string, value: string, allowed: string): Failure =>
  new Failure('not_found', `${message}: ${allowed}`, { field, value: shown(value), allowed });

export function serviceNotFound(
  name: string,
  payload: string,
  service: NetworkService | null,
  known: readonly NetworkService[],
): Failure {
  const missing = `network service ${shown(name)} is not found`;
  if (service !== null)
    return failure(
      `${missing} with payload '${shown(payload)}'`,
      'payload',
      payload,
      `it has ${service.payload}`,
    );
  const names = told(known.map((s) => s.name));
  return failure(
    missing,
    'network_service',
    name,
    names === '' ? 'none is registered' : `registered are ${names}`,
  );
}

/** `serving` are the endpoints of the service, for other clients' labels. */
export function candidatesNotFound(
  service: NetworkService,
  serving: readonly NetworkServiceEndpoint[],
): Failure {
  const names = told(serving.map((e) => e.name));
  const why =
    names === ''
      ? `no endpoint serves '${shown(service.name)}'`
      : `the matches of '${shown(service.name)}' lead from the labels of the client to none of ${names}`;
  return failure('network service endpoint candidates not found', 'network_service', service.name, why);
}

export function endpointNotFound(name: string, known: readonly EndpointEntry[]): Failure {
  const names = told(known.map(({ record }) => record.name));
  return failure(
    `network service endpoint ${shown(name)} not found`,
    'network_service_endpoint_name',
    name,
    names === '' ? 'none is registered' : `registered are ${names}`,
  );
}
