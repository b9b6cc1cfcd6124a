import { Metadata } from '@grpc/grpc-js';
import { Failure } from '../../../features/failure.ts';
import type { UnixStream } from '../../../net/unix/stream.ts';
import type { Method } from '../../method.ts';
import { Unreachable } from '../../unreachable.ts';
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
import type { Channel } from './channel.ts';
import { Dialer } from './dialer.ts';
import { defaultDeadlineMs, defaultDialTimeoutMs } from './limits.ts';
import { methods } from './methods.ts';
import { type Outgoing, type Patience, errorOf, serverStream, unary, within } from './outgoing.ts';
import { showRegistryPath } from './registry-path.ts';
import { type Token, showToken } from './token.ts';
import type { Tls } from './tls.ts';

export interface NsmClientOptions {
  /** `unix:///PATH` or `tcp://HOST:PORT`. */
  url: string;
  /** For tcp; null, which is the default, allows loopback addresses only. */
  tls?: Tls | null;
  /** How long an attempt to connect may take until HTTP/2 is spoken, in ms; 5 s if it is not given. */
  dialTimeoutMs?: number;
}

export interface CallOptions {
  /** Milliseconds since the epoch. By default a call is given 15 s, a stream is given no end. */
  deadline?: number | null;
  /** Cancels the call, on both sides; the call fails with its reason. */
  signal?: AbortSignal | null;
  /** Descriptors that arrive no later than the call; the caller keeps its own. Over tcp they are left out. */
  pass?: readonly number[];
  token?: Token | null;
  /** Is told, before anything is sent, on which connection the answer and its descriptors will come. */
  onStream?: (stream: UnixStream) => void;
}

function passOn(stream: UnixStream, fd: number, url: string): void {
  try {
    stream.pass(fd);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (stream.destroyed) throw new Unreachable(`No answer from '${url}': ${why}`, url, error);
    throw new Failure('invalid', `Cannot pass descriptor ${fd} to '${url}': ${why}`, {
      field: 'pass',
      value: String(fd),
      cause: error,
    });
  }
}

/** Says that there is no path yet: NSM's registry wants the header, and rebuilds what is in it. */
const emptyPath = { index: 0, tokens: [] };

/**
 * A client of one server of NSM's protocol. It connects when it is first used and again when the connection has
 * ended; what was under way then fails with Unreachable. A stream begins when its first item is asked for. Every
 * method throws Failure or Unreachable. Whoever made it disposes of it.
 */
export class NsmClient {
  readonly url: string;
  readonly #dialer: Dialer;

  /** Throws Failure of options that nobody may have. */
  constructor({ url, tls = null, dialTimeoutMs = defaultDialTimeoutMs }: NsmClientOptions) {
    this.url = url;
    this.#dialer = new Dialer(url, tls, dialTimeoutMs);
  }

  request(request: NetworkServiceRequest, options: CallOptions = {}): Promise<Connection> {
    return this.#unary(methods.request, request, options);
  }

  async close(connection: Connection, options: CallOptions = {}): Promise<void> {
    await this.#unary(methods.close, connection, options);
  }

  monitor(
    selector: MonitorScopeSelector,
    options: CallOptions = {},
  ): AsyncGenerator<ConnectionEvent, void, undefined> {
    return this.#stream(methods.monitor, selector, options);
  }

  registerService(service: NetworkService, options: CallOptions = {}): Promise<NetworkService> {
    return this.#unary(methods.registerService, service, options);
  }

  async unregisterService(service: NetworkService, options: CallOptions = {}): Promise<void> {
    await this.#unary(methods.unregisterService, service, options);
  }

  findServices(
    query: NetworkServiceQuery,
    options: CallOptions = {},
  ): AsyncGenerator<NetworkServiceResponse, void, undefined> {
    return this.#stream(methods.findServices, query, options);
  }

  registerEndpoint(
    endpoint: NetworkServiceEndpoint,
    options: CallOptions = {},
  ): Promise<NetworkServiceEndpoint> {
    return this.#unary(methods.registerEndpoint, endpoint, options);
  }

  async unregisterEndpoint(endpoint: NetworkServiceEndpoint, options: CallOptions = {}): Promise<void> {
    await this.#unary(methods.unregisterEndpoint, endpoint, options);
  }

  findEndpoints(
    query: NetworkServiceEndpointQuery,
    options: CallOptions = {},
  ): AsyncGenerator<NetworkServiceEndpointResponse, void, undefined> {
    return this.#stream(methods.findEndpoints, query, options);
  }

  /** The connection as it is now; null over tcp, and while there is none. A call's own is told by `onStream`. */
  stream(): UnixStream | null {
    return this.#dialer.current?.stream ?? null;
  }

  /** Ends the connection and what is under way on it. Harmless when repeated. */
  dispose(): void {
    this.#dialer.dispose();
  }

  async #unary<I, O>(method: Method<I, O>, message: I, options: CallOptions): Promise<O> {
    const outgoing = this.#outgoing(method, message, options, Date.now() + defaultDeadlineMs);
    const done = await this.#begin(outgoing, options);
    try {
      return await unary(done.channel, outgoing);
    } catch (error) {
      throw errorOf(error, outgoing, this.url);
    } finally {
      done.end();
    }
  }

  async *#stream<I, O>(
    method: Method<I, O>,
    message: I,
    options: CallOptions,
  ): AsyncGenerator<O, void, undefined> {
    const outgoing = this.#outgoing(method, message, options, null);
    const done = await this.#begin(outgoing, options);
    try {
      yield* serverStream(done.channel, outgoing);
    } catch (error) {
      throw errorOf(error, outgoing, this.url);
    } finally {
      done.end();
    }
  }

  #outgoing<I, O>(
    method: Method<I, O>,
    message: I,
    { deadline, signal, token }: CallOptions,
    byDefault: number | null,
  ): Outgoing<I, O> {
    const metadata = method.service.startsWith('registry.') ? showRegistryPath(emptyPath) : new Metadata();
    if (token) showToken(token, metadata);
    return { method, message, metadata, deadline: deadline ?? byDefault, signal: signal ?? null };
  }

  /** Nothing is awaited between this and the call: the descriptors go with its first bytes, or earlier ones. */
  async #begin(
    patience: Patience,
    { pass = [], onStream }: CallOptions,
  ): Promise<{ channel: Channel; end: () => void }> {
    const channel = await within(this.#dialer.channel(), patience, this.url);
    const { stream } = channel;
    if (stream !== null) {
      onStream?.(stream);
      for (const fd of pass) passOn(stream, fd, this.url);
    }
    return { channel, end: channel.busy() };
  }
}
