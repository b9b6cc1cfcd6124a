import { create } from '@bufbuild/protobuf';
import { setMaxListeners } from 'node:events';
import { NsmClient } from '../api/nsm/grpc/client.ts';
import {
  type ConnectionEvent,
  ConnectionEventType,
  MonitorScopeSelectorSchema,
} from '../api/nsm/proto/connection_pb.ts';
import { Unreachable } from '../api/unreachable.ts';
import { Failure } from '../features/failure.ts';
import { agentUrl, processName } from './agent.ts';
import { Backoff } from './backoff.ts';
import type { Line } from './calls.ts';
import { ConnectionHandle } from './handle.ts';
import { InFlight } from './in-flight.ts';
import { callsAtOnce, requestMs } from './limits.ts';
import { asOwn, type RequestOptions } from './request.ts';
import { tlsOf, type TlsOptions } from './tls.ts';

export interface ConnectOptions {
  /**
   * `unix:///PATH`, or `tcp://HOST:PORT`, where no namespace's descriptor can be passed and vwire's own agent gives no
   * connection; NSM_CONNECT_TO, or the default instance's socket, if it is not given.
   */
  readonly agent?: string;
  /** For `tcp://`, and required unless HOST is of this machine: the certificate of the agent must name HOST. */
  readonly tls?: TlsOptions;
  /** What this process is called in paths; NSM_NAME, or HOSTNAME-PID, if it is not given. */
  readonly name?: string;
  /** How long to wait for an agent that is not there yet, in ms; at least one attempt is made. */
  readonly waitMs?: number;
  /** How long one attempt to connect may take until the agent speaks HTTP/2, in ms; 5 s if it is not given. */
  readonly dialTimeoutMs?: number;
  /** Closes the client. */
  readonly signal?: AbortSignal;
}

/** How many connections each name has had: ids are not given twice by one process. */
const drawn = new Map<string, number>();

/** May be tried again: an endpoint may come, and room. */
const passing = (error: unknown): boolean =>
  error instanceof Unreachable ||
  (error instanceof Failure && ['not_found', 'exhausted', 'failed'].includes(error.code));

const isTimeout = (error: unknown): boolean => error instanceof Failure && error.code === 'timeout';

/**
 * A process's access to the agent of its node. Asks for connections, and keeps those it asked for through the agent's
 * restarts. It holds the process open until it is closed.
 */
export class Client implements AsyncDisposable {
  /** What this process is called in paths. */
  readonly name: string;
  readonly #line: Line;
  readonly #over = new AbortController();
  readonly #handles = new Map<string, ConnectionHandle | null>();
  readonly #attempts = new Set<Promise<unknown>>();
  #following: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;
  #forgetSignal: () => void = () => undefined;

  private constructor({ agent, name, tls, dialTimeoutMs }: ConnectOptions) {
    this.name = processName(name);
    const url = agentUrl(agent);
    const nsm = new NsmClient({
      url,
      tls: tlsOf(tls, url),
      ...(dialTimeoutMs !== undefined && { dialTimeoutMs }),
    });
    this.#line = { nsm, inFlight: new InFlight(callsAtOnce), name: this.name };
    // Every call listens to it.
    setMaxListeners(0, this.#over.signal);
  }

  /** Settles when the agent has answered. Throws Failure, or Unreachable where there is none within `waitMs`. */
  static async connect(options: ConnectOptions = {}): Promise<Client> {
    const { waitMs = 0, signal } = options;
    const client = new Client(options);
    const abort = (): void => {
      // Nobody waits for this end.
      client.close().catch(() => undefined);
    };
    signal?.addEventListener('abort', abort, { once: true });
    client.#forgetSignal = () => signal?.removeEventListener('abort', abort);
    try {
      signal?.throwIfAborted();
      await client.#start(Date.now() + waitMs);
      return client;
    } catch (error) {
      await client.close();
      signal?.throwIfAborted();
      throw error;
    }
  }

  /** Asks for a connection; settles when traffic flows. Throws Failure or Unreachable. */
  async request(options: RequestOptions): Promise<ConnectionHandle> {
    const id = options.id ?? this.#drawId();
    if (this.#closing !== null) throw new Failure('refused', `The client '${this.name}' is closed`);
    if (this.#handles.has(id))
      throw new Failure('refused', `id is '${id}': this client has a connection of that id`, {
        field: 'id',
        value: id,
        allowed: 'another id, or none',
      });
    this.#handles.set(id, null);
    const attempt = this.#open(id, options);
    this.#attempts.add(attempt);
    try {
      const handle = await attempt;
      this.#handles.set(id, handle);
      return handle;
    } catch (error) {
      this.#handles.delete(id);
      throw error;
    } finally {
      this.#attempts.delete(attempt);
    }
  }

  /** The connections that are open. */
  get connections(): readonly ConnectionHandle[] {
    return [...this.#handles.values()].filter((handle) => handle !== null);
  }

  /** Closes every connection it asked for, then itself. What could not be closed is thrown when all is over. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends the client and leaves its connections: each lasts as long as its `ttlMs`, or its namespace. */
  leave(): Promise<void> {
    for (const handle of this.connections) handle.leave();
    return this.close();
  }

  async #open(id: string, options: RequestOptions): Promise<ConnectionHandle> {
    const { signal, retry = false, timeoutMs = requestMs } = options;
    const until = signal === undefined ? this.#over.signal : AbortSignal.any([this.#over.signal, signal]);
    const deadline = Date.now() + timeoutMs;
    const backoff = new Backoff();
    let refusal: Error | null = null;
    for (;;) {
      until.throwIfAborted();
      const left = { ...options, timeoutMs: Math.max(1, deadline - Date.now()) };
      try {
        return await ConnectionHandle.open(this.#line, id, left, until, () => this.#handles.delete(id));
      } catch (error) {
        // Of the last attempt, cut short by the end of the time, nobody learns anything.
        if (refusal !== null && Date.now() >= deadline && isTimeout(error)) throw refusal;
        if (!retry || !passing(error) || Date.now() >= deadline) throw error;
        refusal = error instanceof Error ? error : null;
      }
      await backoff.pause(AbortSignal.any([until, AbortSignal.timeout(Math.max(1, deadline - Date.now()))]));
    }
  }

  #drawId(): string {
    for (;;) {
      const count = drawn.get(this.name) ?? 0;
      drawn.set(this.name, count + 1);
      const id = `${this.name}-${count}`;
      if (!this.#handles.has(id)) return id;
    }
  }

  /** Begins to follow the agent; settles when it has told what stands. */
  #start(deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#following = this.#follow(deadline, resolve, reject);
    });
  }

  async #follow(deadline: number, onReady: () => void, onFailed: (error: unknown) => void): Promise<void> {
    const { nsm, name } = this.#line;
    const { signal } = this.#over;
    const isOver = (): boolean => signal.aborted;
    const selector = create(MonitorScopeSelectorSchema, { pathSegments: [{ name }] });
    const backoff = new Backoff();
    let ready = false;
    while (!isOver()) {
      try {
        for await (const event of nsm.monitor(selector, { signal })) {
          backoff.reset();
          this.#told(event);
          ready = true;
          onReady();
        }
      } catch (error) {
        if (!ready && (isOver() || !(error instanceof Unreachable) || Date.now() >= deadline)) {
          onFailed(error);
          return;
        }
        // Otherwise an agent that is not there, which comes back.
      }
      await backoff.pause(signal);
    }
    onFailed(signal.reason);
  }

  #told({ type, connections }: ConnectionEvent): void {
    const shown = new Set<ConnectionHandle>();
    for (const connection of Object.values(connections)) {
      const own = asOwn(connection);
      const handle = own?.path?.pathSegments[0]?.name === this.name ? this.#handles.get(own.id) : null;
      if (own === null || handle == null) continue;
      shown.add(handle);
      handle.told(type, own);
    }
    if (type !== ConnectionEventType.INITIAL_STATE_TRANSFER) return;
    // An agent that is back may know nothing of the others, or does not show what is in another namespace.
    for (const handle of this.connections) void handle.resume(shown.has(handle));
  }

  async #close(): Promise<void> {
    this.#forgetSignal();
    const attempts = [...this.#attempts];
    this.#over.abort(new Failure('failed', `The client '${this.name}' is closed`));
    await Promise.allSettled(attempts);
    const ends = await Promise.allSettled(this.connections.map((handle) => handle.close()));
    this.#line.nsm.dispose();
    await this.#following;
    const failures: unknown[] = ends.flatMap((end) =>
      end.status === 'rejected' ? [end.reason as unknown] : [],
    );
    if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('; '));
    if (failures.length === 1) throw failures[0];
  }
}

/** A client of the agent of this node. The caller closes it. */
export const connectClient = (options: ConnectOptions = {}): Promise<Client> => Client.connect(options);
