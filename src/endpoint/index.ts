/** npm's `vwire/endpoint`: offers a network service from inside a process. */
export { serveEndpoint, type ServedEndpoint } from './endpoint.ts';
export type { ContextOptions, Policy, RequestContext, Route, ServeOptions } from './options.ts';
export type { Connection } from '../api/nsm/proto/connection_pb.ts';
export { Unreachable } from '../api/unreachable.ts';
export { Failure, type FailureCode } from '../features/failure.ts';
