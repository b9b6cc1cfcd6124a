import { closeSync } from 'node:fs';
import type { NsmClient } from '../api/nsm/grpc/client.ts';
import type { Connection } from '../api/nsm/proto/connection_pb.ts';
import type { NetworkServiceRequest } from '../api/nsm/proto/networkservice_pb.ts';
import { Failure } from '../features/failure.ts';
import type { InFlight } from './in-flight.ts';
import { closeMs, forgetMs } from './limits.ts';
import { Netns, type OpenNetns } from './netns.ts';
import type { Caller } from './request.ts';

/** What the calls of all connections of a client share. */
export interface Line {
  readonly nsm: NsmClient;
  readonly inFlight: InFlight;
  /** This process's, in the path. */
  readonly name: string;
}

export interface Until {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What is said to the agent about one connection; its namespace's descriptor goes with every call. */
export class Calls {
  readonly #line: Line;
  readonly #id: string;
  readonly #ttlMs: number | null;
  readonly #netns: Netns;

  /** Throws Failure where the namespace cannot be had. */
  constructor(
    line: Line,
    id: string,
    { netns, ttlMs }: { netns: string | number | null; ttlMs: number | null },
  ) {
    if (ttlMs !== null && !(Number.isFinite(ttlMs) && ttlMs > 0))
      throw new Failure('invalid', `ttlMs is '${ttlMs}': allowed is a number of milliseconds above 0`, {
        field: 'ttlMs',
        value: String(ttlMs),
        allowed: 'a number of milliseconds above 0',
      });
    this.#line = line;
    this.#id = id;
    this.#ttlMs = ttlMs;
    this.#netns = new Netns(netns);
  }

  request(
    build: (caller: Caller) => NetworkServiceRequest,
    { timeoutMs, signal }: Until,
  ): Promise<Connection> {
    const deadline = Date.now() + timeoutMs;
    const { nsm, name, inFlight } = this.#line;
    return inFlight.run(() =>
      this.#passing(async (netns) => {
        signal.throwIfAborted();
        const expires = this.#ttlMs === null ? null : Date.now() + this.#ttlMs;
        const request = build({ name, id: this.#id, netns, expires });
        return nsm.request(request, { deadline, signal, pass: [netns.fd] });
      }),
    );
  }

  close(connection: Connection, timeoutMs = closeMs): Promise<void> {
    const { nsm, inFlight } = this.#line;
    return inFlight.run(() =>
      this.#passing((netns) => nsm.close(connection, { deadline: Date.now() + timeoutMs, pass: [netns.fd] })),
    );
  }

  /** Closes what a request may have made whose answer nobody heard. That it cannot be told changes nothing. */
  async forget(connection: Connection): Promise<void> {
    // The agent undoes what nobody waits for by itself: this is for an answer that was on its way.
    await this.close(connection, forgetMs).catch(() => undefined);
  }

  /** Harmless when repeated. */
  dispose(): void {
    this.#netns.close();
  }

  async #passing<T>(call: (netns: OpenNetns) => Promise<T>): Promise<T> {
    const netns = this.#netns.open();
    try {
      return await call(netns);
    } finally {
      closeSync(netns.fd);
    }
  }
}
