import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Endpoint } from '../../src/api/nsm/endpoint/endpoint.ts';
import type { EndpointSettings } from '../../src/api/nsm/endpoint/settings.ts';
import type { ConnectionSchema } from '../../src/api/nsm/proto/connection_pb.ts';
import type { Connection } from '../../src/api/nsm/proto/connection_pb.ts';
import type { IPContext } from '../../src/api/nsm/proto/connectioncontext_pb.ts';
import {
  type NetworkServiceRequest,
  NetworkServiceRequestSchema,
} from '../../src/api/nsm/proto/networkservice_pb.ts';

const settings: EndpointSettings = {
  name: 'nse',
  services: ['vpn'],
  pools: ['10.0.0.0/24', 'fd00::/64'],
  routes: [{ prefix: '192.168.7.9/16', via: null }],
  endpointRoutes: [],
  policies: [],
  dns: [],
  mtu: null,
  payload: null,
  interfacePrefix: null,
};
const netns = { dev: 4, inode: 4026532001 };

/** An endpoint whose ids are e1, e2, ... */
export function endpoint(more: Partial<EndpointSettings> = {}, start = 0): Endpoint {
  let ids = start;
  return new Endpoint({ ...settings, ...more }, netns, () => `e${(ids += 1)}`);
}

export type Asked = Exclude<MessageInitShape<typeof ConnectionSchema>, Connection>;

/** What the agent sends for its connection `agent`. */
export const request = (agent: string, more: Asked = {}): NetworkServiceRequest =>
  create(NetworkServiceRequestSchema, {
    connection: {
      id: agent,
      networkService: 'vpn',
      path: {
        index: 1,
        pathSegments: [
          { name: 'client', id: `of ${agent}` },
          { name: 'vwire', id: agent },
        ],
      },
      ...more,
    },
    mechanismPreferences: [
      { cls: 'LOCAL', type: 'MEMIF' },
      { cls: 'LOCAL', type: 'KERNEL' },
    ],
  });

/** Answered and accepted. */
export const ask = (nse: Endpoint, asked: NetworkServiceRequest): Connection => nse.answer(asked).accept();
/** The same connection again, as it was answered. */
export const again = (answered: Connection): NetworkServiceRequest =>
  create(NetworkServiceRequestSchema, { connection: answered });
/** Its IP context. */
export const ipOf = ({ context }: Connection): IPContext | undefined => context?.ipContext;
