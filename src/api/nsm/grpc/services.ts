import type { Peer } from '../../../net/unix/peer.ts';
import type { UnixStream } from '../../../net/unix/stream.ts';
import type { Connection, ConnectionEvent, MonitorScopeSelector } from '../proto/connection_pb.ts';
import type { NetworkServiceRequest } from '../proto/networkservice_pb.ts';
import type {
  NetworkService,
  NetworkServiceEndpoint,
  NetworkServiceEndpointQuery,
  NetworkServiceEndpointResponse,
  NetworkServiceQuery,
  NetworkServiceResponse,
} from '../proto/registry_pb.ts';
import type { Token } from './token.ts';

/** Who is at the other end of the connection that a call came on. */
export type Caller =
  | { kind: 'unix'; peer: Peer; stream: UnixStream }
  /** HOST:PORT. */
  | { kind: 'tcp'; address: string };

/** What is known of a call beside its message. */
export interface Call {
  caller: Caller;
  /** Milliseconds since the epoch; null is never, which only a stream may have. */
  deadline: number | null;
  /** Aborted, with a Failure, when nobody waits any more: the caller went away or the deadline has passed. */
  signal: AbortSignal;
  token: Token | null;
}

/**
 * What a server of the protocol does. Each throws Failure; what else is thrown is told to the caller as this
 * process's fault. What a call has done when its signal is aborted is the service's own to undo. An iterable
 * ends when its signal is aborted, and is asked for the next item when the caller has taken the last: what
 * waits in between is the service's to bound, with a StreamQueue.
 */
export interface NsmServices {
  request(request: NetworkServiceRequest, call: Call): Promise<Connection>;
  close(connection: Connection, call: Call): Promise<void>;
  monitor(selector: MonitorScopeSelector, call: Call): AsyncIterable<ConnectionEvent>;
  registerService(service: NetworkService, call: Call): Promise<NetworkService>;
  unregisterService(service: NetworkService, call: Call): Promise<void>;
  findServices(query: NetworkServiceQuery, call: Call): AsyncIterable<NetworkServiceResponse>;
  registerEndpoint(endpoint: NetworkServiceEndpoint, call: Call): Promise<NetworkServiceEndpoint>;
  unregisterEndpoint(endpoint: NetworkServiceEndpoint, call: Call): Promise<void>;
  findEndpoints(
    query: NetworkServiceEndpointQuery,
    call: Call,
  ): AsyncIterable<NetworkServiceEndpointResponse>;
}
