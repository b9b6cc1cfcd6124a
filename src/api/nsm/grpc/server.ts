import { create } from '@bufbuild/protobuf';
import { type Empty, EmptySchema } from '@bufbuild/protobuf/wkt';
import { Server } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../../../state/clock.ts';
import { Callers } from './callers.ts';
import { Gate } from './gate.ts';
import { Handlers } from './handlers.ts';
import { Health } from './health.ts';
import {
  type Limits,
  defaultDeadlineMs,
  defaultLimits,
  maxRequestBytes,
  maxResponseBytes,
} from './limits.ts';
import type { Listener } from './listener.ts';
import type { Method } from '../../method.ts';
import { methods } from './methods.ts';
import type { Call, NsmServices } from './services.ts';
import { listenTcp } from './tcp-listener.ts';
import type { Tls } from './tls.ts';
import { listenUnixSocket } from './unix-listener.ts';
import { addressOf } from './url.ts';

export interface ServeOptions {
  /** `unix:///PATH` or `tcp://HOST:PORT`; port 0 takes a free one. */
  listen: readonly string[];
  /** Of unix sockets; by default everybody may connect who can reach the file. */
  mode?: number;
  /** For tcp; null, which is the default, allows loopback addresses only. */
  tls?: Tls | null;
  limits?: Partial<Limits>;
  clock?: Clock;
  log: Logger;
}

export interface NsmServer {
  /** As given, with the port that was free. */
  readonly urls: readonly string[];
  /** Calls and streams at work. */
  readonly open: number;
  /** Connections, whatever is said on them. */
  readonly connections: number;
  /**
   * Takes no more connections and calls, ends the streams and tells why, waits for the calls at work. What
   * takes longer than `graceMs` is cut off.
   */
  close(graceMs: number): Promise<void>;
}

/** A method that a server of NSM's has no use for is left out, and answered with UNIMPLEMENTED. */
export type Served = Partial<NsmServices>;

/** Serves NSM's protocol. Throws Failure where it cannot listen, and listens nowhere then. The caller closes it. */
export async function serveNsm(services: Served, options: ServeOptions): Promise<NsmServer> {
  const { clock = systemClock, log, mode = 0o666, tls = null } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const server = new Server({
    'grpc.max_receive_message_length': maxRequestBytes,
    'grpc.max_send_message_length': maxResponseBytes,
    'grpc.max_concurrent_streams': limits.callsOfConnection,
    'grpc.keepalive_time_ms': limits.pingMs,
    'grpc.keepalive_timeout_ms': limits.pingTimeoutMs,
    'grpc.enable_channelz': 0,
  });
  const callers = new Callers({
    connections: limits.connectionsOfAddress,
    calls: limits.callsOfCaller,
    streams: limits.streamsOfCaller,
  });
  const gate = new Gate(callers, clock, defaultDeadlineMs);
  const handlers = new Handlers(server, gate, log);
  handle(handlers, services);
  const listeners: Listener[] = [];
  const place = { server, gate, callers, limits, log };
  try {
    for (const url of options.listen) {
      const address = addressOf(url);
      listeners.push(
        address.kind === 'unix'
          ? listenUnixSocket(place, url, address.path, mode)
          : await listenTcp(place, url, address, tls),
      );
    }
  } catch (error) {
    for (const listener of listeners) listener.cut();
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
  return {
    urls: listeners.map(({ url }) => url),
    get open() {
      return callers.open('calls') + callers.open('streams');
    },
    get connections() {
      return listeners.reduce((sum, { connections }) => sum + connections, 0);
    },
    async close(graceMs) {
      handlers.stop();
      const gone = Promise.all(listeners.map((listener) => listener.close()));
      const force = setTimeout(() => {
        server.forceShutdown();
        // Who connected and never spoke HTTP/2 has no session that could be shut down.
        for (const listener of listeners) listener.cut();
      }, graceMs);
      server.tryShutdown(() => undefined);
      await gone;
      clearTimeout(force);
    },
  };
}

/** What NSM answers with Empty. */
const emptied =
  <I>(act: (message: I, call: Call) => Promise<void>) =>
  async (message: I, call: Call): Promise<Empty> => {
    await act(message, call);
    return create(EmptySchema);
  };

function handle(handlers: Handlers, services: Served): void {
  const served = new Set<string>();
  const unary = <I, O>(method: Method<I, O>, answer?: (message: I, call: Call) => Promise<O>): void => {
    if (answer === undefined) return;
    served.add(method.service);
    handlers.unary(method, answer);
  };
  const empty = <I>(method: Method<I, Empty>, act?: (message: I, call: Call) => Promise<void>): void => {
    unary(method, act && emptied(act));
  };
  const stream = <I, O>(
    method: Method<I, O>,
    answer?: (message: I, call: Call) => AsyncIterable<O>,
  ): void => {
    if (answer === undefined) return;
    served.add(method.service);
    handlers.stream(method, answer);
  };
  unary(methods.request, services.request?.bind(services));
  empty(methods.close, services.close?.bind(services));
  stream(methods.monitor, services.monitor?.bind(services));
  unary(methods.registerService, services.registerService?.bind(services));
  empty(methods.unregisterService, services.unregisterService?.bind(services));
  stream(methods.findServices, services.findServices?.bind(services));
  unary(methods.registerEndpoint, services.registerEndpoint?.bind(services));
  empty(methods.unregisterEndpoint, services.unregisterEndpoint?.bind(services));
  stream(methods.findEndpoints, services.findEndpoints?.bind(services));
  const health = new Health(served);
  handlers.unary(methods.check, async (request) => health.check(request));
  handlers.stream(methods.watch, (request, call) => health.watch(request, call));
}
