import type { EndpointSpec } from '../../src/features/connection/api.ts';

/** The endpoint `gateway` of service `web`, in this pod. */
export const gatewayIn = (pod: string, more: Partial<EndpointSpec> = {}): EndpointSpec => ({
  name: 'gateway',
  services: ['web'],
  labels: {},
  netns: `name:${pod}`,
  pools: ['172.16.1.0/24', '2001:db8::/116'],
  routes: [{ prefix: '10.96.0.0/16', via: null }],
  mtu: null,
  payload: 'ETHERNET',
  ...more,
});
