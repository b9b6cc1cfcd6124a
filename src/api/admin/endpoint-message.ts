import { create } from '@bufbuild/protobuf';
import { Failure } from '../../features/failure.ts';
import type { EndpointChange, EndpointItem, EndpointSpec } from '../../features/connection/api.ts';
import {
  type AddEndpointRequest,
  AddEndpointRequestSchema,
  type Endpoint,
  EndpointSchema,
  type UpdateEndpointRequest,
  UpdateEndpointRequestSchema,
} from './vwire/v1/endpoint_pb.ts';
import { orNull } from './words.ts';

export const endpointSpec = (request: AddEndpointRequest): EndpointSpec => ({
  name: orNull(request.name),
  services: request.services,
  labels: request.labels,
  netns: request.netns,
  pools: request.pools,
  routes: request.routes.map(({ prefix, via }) => ({ prefix, via: orNull(via) })),
  mtu: request.mtu === 0 ? null : request.mtu,
  payload: request.payload,
});

export const endpointChange = ({ pools, routes, mtu }: UpdateEndpointRequest): EndpointChange => ({
  pools: pools?.prefixes ?? null,
  routes: routes?.routes.map(({ prefix, via }) => ({ prefix, via: orNull(via) })) ?? null,
  mtu: mtu === 0 ? null : mtu,
});

export function updateEndpointRequest(
  name: string,
  { pools, routes, mtu }: EndpointChange,
): UpdateEndpointRequest {
  refuseZero(mtu);
  return create(UpdateEndpointRequestSchema, {
    name,
    ...(pools && { pools: { prefixes: [...pools] } }),
    ...(routes && { routes: { routes: routes.map(({ prefix, via }) => ({ prefix, via: via ?? '' })) } }),
    mtu: mtu ?? 0,
  });
}

/** On the wire 0 says nothing, so it would become the default without a word. */
function refuseZero(mtu: number | null): void {
  if (mtu === 0)
    throw new Failure('invalid', 'An MTU of 0 is too small: allowed is 68 and more', {
      field: 'mtu',
      value: '0',
      allowed: '68 and more',
    });
}

export function addEndpointRequest(spec: EndpointSpec): AddEndpointRequest {
  refuseZero(spec.mtu);
  return create(AddEndpointRequestSchema, {
    name: spec.name ?? '',
    services: [...spec.services],
    labels: { ...spec.labels },
    netns: spec.netns,
    pools: [...spec.pools],
    routes: spec.routes.map(({ prefix, via }) => ({ prefix, via: via ?? '' })),
    mtu: spec.mtu ?? 0,
    payload: spec.payload,
  });
}

export const endpointMessage = (item: EndpointItem): Endpoint =>
  create(EndpointSchema, {
    name: item.name,
    services: [...item.services],
    labels: Object.fromEntries(
      Object.entries(item.labels).map(([service, labels]) => [service, { labels: { ...labels } }]),
    ),
    url: item.url,
    hosted: item.hosted,
    netns: item.netns ?? '',
    pools: item.pools.map(({ prefix, used }) => ({ prefix, used })),
    expires: item.expires ?? '',
    connections: item.connections,
  });

export const endpointItem = (endpoint: Endpoint): EndpointItem => ({
  name: endpoint.name,
  services: endpoint.services,
  labels: Object.fromEntries(
    Object.entries(endpoint.labels).map(([service, { labels }]) => [service, labels]),
  ),
  url: endpoint.url,
  hosted: endpoint.hosted,
  netns: orNull(endpoint.netns),
  pools: endpoint.pools.map(({ prefix, used }) => ({ prefix, used })),
  expires: orNull(endpoint.expires),
  connections: endpoint.connections,
});
