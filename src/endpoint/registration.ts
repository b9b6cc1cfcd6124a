import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NsmClient } from '../api/nsm/grpc/client.ts';
import { formatInodeUrl } from '../api/nsm/inode-url.ts';
import {
  type Connection,
  ConnectionEventType,
  MonitorScopeSelectorSchema,
} from '../api/nsm/proto/connection_pb.ts';
import {
  NetworkServiceEndpointQuerySchema,
  NetworkServiceEndpointSchema,
  NetworkServiceQuerySchema,
  NetworkServiceSchema,
} from '../api/nsm/proto/registry_pb.ts';
import { Unreachable } from '../api/unreachable.ts';
import { Failure } from '../features/failure.ts';
import { Backoff } from '../client/backoff.ts';
import { lifeMs, registerMs, renewedAfter, unregisterMs } from './limits.ts';

// Node has no name for it: a descriptor that only says which file is meant, which is all a socket's can.
const O_PATH = 0o10000000;

export interface Registered {
  readonly name: string;
  readonly services: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Empty: what the registry takes for the default. */
  readonly payload: string;
  /** Of the socket. */
  readonly path: string;
}

export interface RegistrationEvents {
  /** Before the endpoint can be found: the connections that the agent has with an endpoint of this name. */
  readonly onStanding: (connections: readonly Connection[]) => void;
  readonly onRegistered: (lost: Error | null) => void;
}

/** From one registration until the agent no longer knows of it. */
interface Session {
  /** How long the registration lasts, in ms. */
  readonly life: number;
  /** Settles with why the record is gone or can no longer be watched. */
  readonly watching: Promise<Error>;
  readonly ended: AbortController;
}

/**
 * Keeps an endpoint known to the agent: registers it, again before the registration ends, and again when the agent is
 * back that was gone, which a watch on its own record tells.
 */
export class Registration {
  readonly #agent: NsmClient;
  readonly #what: Registered;
  readonly #events: RegistrationEvents;
  readonly #over = new AbortController();
  #keeping: Promise<void> = Promise.resolve();
  /** What the agent has under this name may be another's until then. */
  #registered = false;

  constructor(agent: NsmClient, what: Registered, events: RegistrationEvents) {
    this.#agent = agent;
    this.#what = what;
    this.#events = events;
  }

  /**
   * Settles when the endpoint can be found, which it is kept from then on. Throws Failure, or Unreachable where there
   * is no agent until `deadline`, in ms since the epoch.
   */
  async begin(deadline: number): Promise<void> {
    const backoff = new Backoff();
    for (;;) {
      try {
        const session = await this.#register();
        this.#keeping = this.#keep(session);
        return;
      } catch (error) {
        if (!(error instanceof Unreachable) || this.#isOver() || Date.now() >= deadline) throw error;
      }
      await backoff.pause(this.#over.signal);
    }
  }

  /** Takes it back. An agent that cannot be told drops it by itself. Harmless before `begin` and repeated. */
  async end(): Promise<void> {
    this.#over.abort(new Failure('failed', `Endpoint '${this.#what.name}' is closed`));
    await this.#keeping;
    if (!this.#registered) return;
    const record = create(NetworkServiceEndpointSchema, { name: this.#what.name });
    await this.#agent
      .unregisterEndpoint(record, { deadline: Date.now() + unregisterMs })
      .catch(() => undefined);
  }

  #isOver(): boolean {
    return this.#over.signal.aborted;
  }

  async #keep(first: Session): Promise<void> {
    const backoff = new Backoff();
    for (let session: Session | null = first; session !== null;) {
      const lost = await this.#whileKnown(session);
      if (this.#isOver()) return;
      this.#events.onRegistered(lost);
      session = await this.#back(backoff);
    }
  }

  /** Registers until it is registered; null when it is over. */
  async #back(backoff: Backoff): Promise<Session | null> {
    while (!this.#isOver()) {
      await backoff.pause(this.#over.signal);
      try {
        const session = await this.#register();
        backoff.reset();
        this.#events.onRegistered(null);
        return session;
      } catch (error) {
        if (!this.#isOver()) this.#events.onRegistered(asError(error));
      }
    }
    return null;
  }

  /** Settles with why the agent no longer knows the endpoint, or when it is over. */
  async #whileKnown({ life, watching, ended }: Session): Promise<Error> {
    const both = [watching, this.#renewals(life, ended.signal)];
    const why = await Promise.race(both);
    ended.abort(why);
    await Promise.all(both);
    return why;
  }

  /** Settles with what a renewal failed of, or when it is aborted. */
  async #renewals(life: number, signal: AbortSignal): Promise<Error> {
    try {
      for (let left = life; ; left = await this.#put(signal))
        await sleep(Math.max(1, left * renewedAfter), undefined, { signal });
    } catch (error) {
      return asError(error);
    }
  }

  /** Settles with why the record is no longer there or can no longer be watched, or when it is aborted. */
  async #watch(signal: AbortSignal): Promise<Error> {
    const { name } = this.#what;
    const query = create(NetworkServiceEndpointQuerySchema, {
      networkServiceEndpoint: { name },
      watch: true,
    });
    try {
      for await (const { networkServiceEndpoint: record, deleted } of this.#agent.findEndpoints(query, {
        signal,
      }))
        if (deleted && record?.name === name)
          return new Failure('not_found', `Endpoint '${name}' was unregistered`);
      return new Failure('failed', `The watch on endpoint '${name}' ended`);
    } catch (error) {
      return asError(error);
    }
  }

  async #register(): Promise<Session> {
    const { signal } = this.#over;
    this.#events.onStanding(await this.#standing(signal));
    for (const service of this.#what.services) await this.#putService(service, signal);
    const ended = new AbortController();
    const end = (): void => {
      ended.abort(signal.reason);
    };
    signal.addEventListener('abort', end);
    // Before the record is there: so nothing that becomes of it is missed.
    const watching = this.#watch(ended.signal).finally(() => {
      signal.removeEventListener('abort', end);
    });
    try {
      return { life: await this.#put(signal), watching, ended };
    } catch (error) {
      ended.abort(error);
      await watching;
      throw error;
    }
  }

  /** What the agent has with an endpoint of this name; nothing where it has no monitor. */
  async #standing(signal: AbortSignal): Promise<readonly Connection[]> {
    const selector = create(MonitorScopeSelectorSchema, { pathSegments: [{ name: this.#what.name }] });
    try {
      for await (const { type, connections } of this.#agent.monitor(selector, this.#until(signal)))
        if (type === ConnectionEventType.INITIAL_STATE_TRANSFER) return Object.values(connections);
    } catch (error) {
      if (!(error instanceof Failure && error.code === 'unsupported')) throw error;
    }
    return [];
  }

  /** A service that is there stays as it is: its matches are its owner's. */
  async #putService(name: string, signal: AbortSignal): Promise<void> {
    const query = create(NetworkServiceQuerySchema, { networkService: { name } });
    for await (const { networkService } of this.#agent.findServices(query, this.#until(signal)))
      if (networkService?.name === name) return;
    const service = create(NetworkServiceSchema, { name, payload: this.#what.payload });
    await this.#agent.registerService(service, this.#until(signal));
  }

  /** Registers the endpoint and its socket's descriptor; gives how long that lasts, in ms. */
  async #put(signal: AbortSignal): Promise<number> {
    const { name, services, labels, path } = this.#what;
    const socket = openSync(path, O_PATH);
    try {
      const { dev, ino } = fstatSync(socket);
      const record = create(NetworkServiceEndpointSchema, {
        name,
        networkServiceNames: [...services],
        networkServiceLabels: Object.fromEntries(
          services.map((service) => [service, { labels: { ...labels } }]),
        ),
        url: formatInodeUrl({ dev, inode: ino }),
      });
      const { expirationTime } = await this.#agent.registerEndpoint(record, {
        ...this.#until(signal),
        pass: [socket],
      });
      this.#registered = true;
      return expirationTime === undefined ? lifeMs : timestampMs(expirationTime) - Date.now();
    } finally {
      closeSync(socket);
    }
  }

  #until(signal: AbortSignal): { deadline: number; signal: AbortSignal } {
    return { deadline: Date.now() + registerMs, signal };
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
