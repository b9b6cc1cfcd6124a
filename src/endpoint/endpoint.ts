import { closeSync } from 'node:fs';
import { pino } from 'pino';
import { Endpoint } from '../api/nsm/endpoint/endpoint.ts';
import { NsmClient } from '../api/nsm/grpc/client.ts';
import { type NsmServer, serveNsm } from '../api/nsm/grpc/server.ts';
import type { Connection } from '../api/nsm/proto/connection_pb.ts';
import { endpointName } from '../client/agent.ts';
import { Netns } from '../client/netns.ts';
import { agentSocketOf } from './agent-url.ts';
import { Connections } from './connections.ts';
import { closeGraceMs } from './limits.ts';
import { type ContextOptions, changeOf, type ServeOptions, servicesOf, settingsOf } from './options.ts';
import { Registration } from './registration.ts';
import { socketPlace } from './socket.ts';

type Release = () => void | Promise<void>;

/** An endpoint that is served by this process, and holds it open until it is closed. */
export class ServedEndpoint implements AsyncDisposable {
  readonly #endpoint: Endpoint;
  readonly #connections: Connections;
  readonly #release: Release[];
  #registered = true;
  #closing: Promise<void> | null = null;

  private constructor(endpoint: Endpoint, connections: Connections, release: Release[]) {
    this.#endpoint = endpoint;
    this.#connections = connections;
    this.#release = release;
  }

  /** `serveEndpoint` does this. */
  static async serve(options: ServeOptions): Promise<ServedEndpoint> {
    const { signal, waitMs = 0, dialTimeoutMs, netns: where = null } = options;
    signal?.throwIfAborted();
    const url = agentSocketOf(options.agent);
    const services = servicesOf(options);
    const name = endpointName(options.name, services[0] ?? '');
    const release: Release[] = [];
    let close = (): Promise<void> => released(release);
    try {
      const netns = new Netns(where);
      release.push(() => {
        netns.close();
      });
      const endpoint = new Endpoint(settingsOf(options, name), identityOf(netns));
      const connections = new Connections(endpoint, netns, options);
      const served = new ServedEndpoint(endpoint, connections, release);
      // The signal may have begun it.
      close = () => served.close();
      const place = socketPlace(options.socket);
      release.push(() => {
        place.remove();
      });
      const server: NsmServer = await serveNsm(
        {
          request: (request, call) => connections.request(request, call),
          close: (connection, call) => connections.close(connection, call),
          monitor: (selector, call) => connections.monitor(selector, call),
        },
        { listen: [`unix://${place.path}`], mode: 0o600, log: pino({ level: 'silent' }) },
      );
      release.push(() => server.close(closeGraceMs));
      const agent = new NsmClient({
        url,
        ...(dialTimeoutMs !== undefined && { dialTimeoutMs }),
      });
      release.push(() => {
        agent.dispose();
      });
      const registration = new Registration(
        agent,
        { name, services, labels: options.labels ?? {}, payload: options.payload ?? '', path: place.path },
        {
          onStanding: (standing) => {
            connections.reconcile(standing);
          },
          onRegistered: (lost) => {
            served.#registered = lost === null;
            options.onRegistered?.(lost);
          },
        },
      );
      release.push(() => registration.end());
      const abort = (): void => {
        // Nobody waits for this end.
        served.close().catch(() => undefined);
      };
      signal?.addEventListener('abort', abort, { once: true });
      release.push(() => signal?.removeEventListener('abort', abort));
      await registration.begin(Date.now() + waitMs);
      signal?.throwIfAborted();
      return served;
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** What connections name it by. */
  get name(): string {
    return this.#endpoint.settings.name;
  }

  /** Whether the agent knows it now, as far as is known here. */
  get registered(): boolean {
    return this.#registered;
  }

  /** NSM's messages as this endpoint sees them, copies. */
  get connections(): readonly Connection[] {
    return this.#endpoint.connections;
  }

  /** Each pool with how many of its addresses are in use. */
  get pools(): readonly { readonly prefix: string; readonly used: number; readonly size: bigint }[] {
    return this.#endpoint.pools;
  }

  /**
   * Changes what is given, at living connections too: the agent is told which are no longer what they were, and asks
   * for them again. Throws Failure, and then nothing has changed.
   */
  update(change: ContextOptions): void {
    this.#connections.change(changeOf(change));
  }

  /** Takes the registration back and ends. Its connections heal or close, as the agent finds others for them or not. */
  close(): Promise<void> {
    this.#closing ??= released(this.#release);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function identityOf(netns: Netns): { dev: number; inode: number } {
  const { fd, dev, inode } = netns.open();
  closeSync(fd);
  return { dev, inode };
}

/** All of it, the latest first; then the first failure is thrown. */
async function released(release: Release[]): Promise<void> {
  const failures: unknown[] = [];
  for (let step = release.pop(); step !== undefined; step = release.pop()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Serves an endpoint; settles when it can be found. Throws Failure or Unreachable. The caller closes it. */
export const serveEndpoint = (options: ServeOptions): Promise<ServedEndpoint> =>
  ServedEndpoint.serve(options);
