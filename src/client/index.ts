/** npm's `vwire/client`: connections to network services, from inside a process. */
export { type Client, type ConnectOptions, connectClient } from './client.ts';
export type { ConnectionHandle, HandleState } from './handle.ts';
export type { RequestOptions } from './request.ts';
export type { TlsOptions } from './tls.ts';
export type { ConnectionUpdate, UpdateType } from './updates.ts';
export type { Connection } from '../api/nsm/proto/connection_pb.ts';
export { Unreachable } from '../api/unreachable.ts';
export { Failure, type FailureCode } from '../features/failure.ts';
