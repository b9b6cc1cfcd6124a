import { clone, create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { FileIdentity } from '../file-identity.ts';
import { formatInodeUrl } from '../api/nsm/inode-url.ts';
import { type Connection, ConnectionSchema } from '../api/nsm/proto/connection_pb.ts';
import { IPContextSchema } from '../api/nsm/proto/connectioncontext_pb.ts';
import {
  type NetworkServiceRequest,
  NetworkServiceRequestSchema,
} from '../api/nsm/proto/networkservice_pb.ts';

/** What is wanted of a connection. */
export interface RequestOptions {
  /** The network service. */
  readonly service: string;
  /** Name of the interface; NSM's form of one, beginning with the service's name, if none is given. */
  readonly interface?: string;
  /**
   * Where the interface is to be: the path of a namespace's file, or a descriptor, which stays the caller's and
   * whose namespace lives as long as the connection. This process's own if none is given.
   */
  readonly netns?: string | number;
  /** What services choose endpoints by. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Takes this endpoint and no other. */
  readonly endpoint?: string;
  /** ETHERNET or IP; what the service carries if it is not given. */
  readonly payload?: 'ETHERNET' | 'IP';
  /** Bytes, at most. */
  readonly mtu?: number;
  /** Networks, as CIDRs, that no address may be of: those the namespace has already. */
  readonly excludedPrefixes?: readonly string[];
  /**
   * What the connection is called by this client, which keeps it apart from its others. A process that comes back
   * with the same name and id gets the connection that it had. `NAME-0`, `NAME-1`, ... if it is not given.
   */
  readonly id?: string;
  /** How long the connection outlives this process, in ms; without it, until its namespace ends. */
  readonly ttlMs?: number;
  /** Asks again before a `ttlMs` is over, and when an agent is back that was gone. True if it is not given. */
  readonly keep?: boolean;
  /** Tries again within `timeoutMs` while there is no agent or no endpoint. */
  readonly retry?: boolean;
  /** For the answer; 15 s if it is not given. */
  readonly timeoutMs?: number;
  /** Ends the attempt, and later the connection. */
  readonly signal?: AbortSignal;
}

/** Who a connection is for and until when it is stood for; `expires` is in ms since the epoch. */
export interface Caller {
  readonly name: string;
  readonly id: string;
  readonly netns: FileIdentity;
  readonly expires: number | null;
}

const mechanism = (name: string, netns: FileIdentity) => ({
  cls: 'LOCAL',
  type: 'KERNEL',
  parameters: { ...(name !== '' && { name }), inodeURL: formatInodeUrl(netns) },
});

const stamp = (expires: number | null) => (expires === null ? {} : { expires: timestampFromMs(expires) });

/** A first request. */
export function firstRequest(
  options: RequestOptions,
  { name, id, netns, expires }: Caller,
): NetworkServiceRequest {
  const { service, labels = {}, endpoint = '', payload = '', mtu = 0, excludedPrefixes = [] } = options;
  return create(NetworkServiceRequestSchema, {
    connection: {
      id,
      networkService: service,
      networkServiceEndpointName: endpoint,
      payload,
      labels: { ...labels },
      context: { ipContext: { excludedPrefixes: [...excludedPrefixes] }, MTU: mtu },
      path: { index: 0, pathSegments: [{ name, id, ...stamp(expires) }] },
    },
    mechanismPreferences: [mechanism(options.interface ?? '', netns)],
  });
}

/** The same again, as it was last answered. */
export function nextRequest(last: Connection, { netns, expires }: Caller): NetworkServiceRequest {
  const connection = clone(ConnectionSchema, last);
  const [own] = connection.path?.pathSegments ?? [];
  if (own !== undefined && expires !== null) own.expires = timestampFromMs(expires);
  const { mechanism: agreed } = connection;
  if (agreed !== undefined) agreed.parameters.inodeURL = formatInodeUrl(netns);
  return create(NetworkServiceRequestSchema, {
    connection,
    mechanismPreferences: [mechanism(agreed?.parameters.name ?? '', netns)],
  });
}

/** For when the endpoint it had is no more: any other, with addresses of its own. */
export function reselected(request: NetworkServiceRequest): NetworkServiceRequest {
  const again = clone(NetworkServiceRequestSchema, request);
  const { connection } = again;
  if (connection === undefined) return again;
  connection.networkServiceEndpointName = '';
  const ip = connection.context?.ipContext;
  if (connection.context !== undefined)
    connection.context.ipContext = create(IPContextSchema, { excludedPrefixes: ip?.excludedPrefixes ?? [] });
  return again;
}

/**
 * A connection as this client sees it, out of what a monitor of the agent shows; null for one of another client.
 */
export function asOwn(shown: Connection): Connection | null {
  const [own] = shown.path?.pathSegments ?? [];
  if (own === undefined || shown.path === undefined) return null;
  const connection = clone(ConnectionSchema, shown);
  connection.id = own.id;
  if (connection.path !== undefined) connection.path.index = 0;
  return connection;
}
