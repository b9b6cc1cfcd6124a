import { clone, create, equals } from '@bufbuild/protobuf';
import { setMaxListeners } from 'node:events';
import {
  type Connection,
  ConnectionEventType,
  ConnectionSchema,
  State,
} from '../api/nsm/proto/connection_pb.ts';
import type { NetworkServiceRequest } from '../api/nsm/proto/networkservice_pb.ts';
import { Unreachable } from '../api/unreachable.ts';
import { Failure } from '../features/failure.ts';
import { Backoff } from './backoff.ts';
import { Calls, type Line } from './calls.ts';
import { refreshedAfter, requestMs, reselectAfterMs } from './limits.ts';
import { type Caller, firstRequest, nextRequest, type RequestOptions, reselected } from './request.ts';
import { type ConnectionUpdate, type UpdateType, Updates } from './updates.ts';

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

export type HandleState = 'up' | 'down' | 'closed';

/** What a connection is, without what every answer stamps on its path. */
const substance = ({
  context,
  mechanism,
  networkServiceEndpointName,
  payload,
  labels,
}: Connection): Connection =>
  create(ConnectionSchema, {
    networkServiceEndpointName,
    payload,
    labels,
    ...(context !== undefined && { context }),
    ...(mechanism !== undefined && { mechanism }),
  });

/**
 * A connection that stands, and is kept until it is closed; it holds the process open. Its methods throw Failure, or
 * Unreachable where there is no agent.
 */
export class ConnectionHandle implements AsyncDisposable {
  /** What this client calls the connection. */
  readonly id: string;
  readonly #options: RequestOptions;
  readonly #calls: Calls;
  readonly #onEnd: () => void;
  readonly #updates = new Updates();
  readonly #over = new AbortController();
  readonly #forgetSignal: () => void;
  #connection: Connection;
  #state: HandleState = 'up';
  /** One call after the other: an answer that overtook another would take back what is newer. */
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #keeping = false;
  #closing: Promise<void> | null = null;

  private constructor(
    id: string,
    options: RequestOptions,
    calls: Calls,
    onEnd: () => void,
    answer: Connection,
  ) {
    this.id = id;
    this.#options = options;
    this.#calls = calls;
    this.#onEnd = onEnd;
    this.#connection = answer;
    const { signal } = options;
    const abort = (): void => {
      // Nobody waits for this end; one that cannot be told is told to who reads the updates.
      this.close().catch(() => undefined);
    };
    signal?.addEventListener('abort', abort, { once: true });
    // One signal may end any number of connections.
    if (signal !== undefined) setMaxListeners(0, signal);
    this.#forgetSignal = () => signal?.removeEventListener('abort', abort);
    this.#arm();
  }

  /** For the client: asks for the first time. `signal` also ends the attempt, `onEnd` is told of the end. */
  static async open(
    line: Line,
    id: string,
    options: RequestOptions,
    signal: AbortSignal,
    onEnd: () => void,
  ): Promise<ConnectionHandle> {
    const calls = new Calls(line, id, { netns: options.netns ?? null, ttlMs: options.ttlMs ?? null });
    const until = { timeoutMs: options.timeoutMs ?? requestMs, signal };
    let asked: Connection | undefined;
    try {
      const answer = await calls.request((caller) => {
        const request = firstRequest(options, caller);
        asked = request.connection;
        return request;
      }, until);
      return new ConnectionHandle(id, options, calls, onEnd, answer);
    } catch (error) {
      const unheard = signal.aborted || (error instanceof Failure && error.code === 'timeout');
      if (unheard && asked !== undefined) await calls.forget(asked);
      calls.dispose();
      throw error;
    }
  }

  /** NSM's message as it was last answered or shown, a copy. */
  get connection(): Connection {
    return clone(ConnectionSchema, this.#connection);
  }

  /** Of the client's interface, as CIDRs. */
  get addresses(): readonly string[] {
    return [...(this.#connection.context?.ipContext?.srcIpAddrs ?? [])];
  }

  /** Of the endpoint's interface, as CIDRs. */
  get peerAddresses(): readonly string[] {
    return [...(this.#connection.context?.ipContext?.dstIpAddrs ?? [])];
  }

  /** Its name in the namespace. */
  get interface(): string {
    return this.#connection.mechanism?.parameters.name ?? '';
  }

  /** The endpoint's name. */
  get endpoint(): string {
    return this.#connection.networkServiceEndpointName;
  }

  /** Bytes. */
  get mtu(): number {
    return this.#connection.context?.MTU ?? 0;
  }

  get state(): HandleState {
    return this.#state;
  }

  /** How it is, and then what becomes of it, until it is closed or `signal` aborts. */
  monitor(signal?: AbortSignal): AsyncIterable<ConnectionUpdate> {
    return this.#updates.read(this.#update(this.#state, null), signal);
  }

  /** Asks for it again as it is: where nothing has changed, nothing changes. */
  async refresh({ timeoutMs = requestMs }: { timeoutMs?: number } = {}): Promise<void> {
    await this.#inTurn(() => this.#askAgain(timeoutMs, false));
  }

  /**
   * Ends it; settles when its interface is gone. An end that no agent could be told of is thrown, and comes with
   * `ttlMs` or the end of the namespace. Repeated, it is the same end.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For the client: lets go of it; it stays, and nobody keeps it any more. Readers of updates are at their end. */
  leave(): void {
    if (this.#closing !== null || this.#state === 'closed') return;
    this.#closing = Promise.resolve();
    this.#letGo();
  }

  /** For the client: what the agent shows of it. */
  told(type: ConnectionEventType, shown: Connection): void {
    if (this.#closing !== null || this.#state === 'closed') return;
    const agents = ({ path }: Connection): string | undefined => path?.pathSegments[1]?.id;
    // Of one that had this id before.
    if (agents(shown) !== agents(this.#connection)) return;
    if (type === ConnectionEventType.DELETE) {
      this.#end();
      return;
    }
    switch (shown.state) {
      case State.DOWN:
        if (this.#state === 'up') {
          this.#state = 'down';
          this.#tell('down');
        }
        break;
      case State.REFRESH_REQUESTED:
      case State.RESELECT_REQUESTED:
        void this.#keep(false);
        break;
      case State.UP:
        this.#took(shown);
    }
  }

  /** For the client: an agent has been found, which shows the connection or not. */
  async resume(shown: boolean): Promise<void> {
    if (!shown || this.#options.ttlMs !== undefined) await this.#keep(!shown);
  }

  /**
   * Asks again until it is answered; does not throw. An agent that has the connection looks for another endpoint by
   * itself, where that is needed; of one that has `lost` it the endpoint is given some time to come back.
   */
  async #keep(lost: boolean): Promise<void> {
    if (this.#keeping || this.#options.keep === false) return;
    this.#keeping = true;
    const backoff = new Backoff();
    const reselectAt = lost && this.#options.endpoint === undefined ? Date.now() + reselectAfterMs : Infinity;
    const isOver = (): boolean => this.#over.signal.aborted;
    while (!isOver()) {
      try {
        await this.#inTurn(() => this.#askAgain(requestMs, Date.now() >= reselectAt));
        break;
      } catch (error) {
        if (isOver()) break;
        this.#tell('failed', asError(error));
        // Once an agent is back the client comes here again.
        if (error instanceof Unreachable) break;
        await backoff.pause(this.#over.signal);
      }
    }
    this.#keeping = false;
  }

  async #askAgain(timeoutMs: number, reselect: boolean): Promise<void> {
    const again = (caller: Caller): NetworkServiceRequest => {
      const request = nextRequest(this.#connection, caller);
      return reselect ? reselected(request) : request;
    };
    this.#took(await this.#calls.request(again, { timeoutMs, signal: this.#over.signal }));
    this.#arm();
  }

  #took(connection: Connection): void {
    const same = equals(ConnectionSchema, substance(connection), substance(this.#connection));
    this.#connection = connection;
    if (this.#state === 'down') {
      this.#state = 'up';
      this.#tell('up');
    } else if (!same) this.#tell('changed');
  }

  /** Sets when it is asked for again. */
  #arm(): void {
    clearTimeout(this.#timer);
    const { ttlMs, keep = true } = this.#options;
    if (ttlMs === undefined || !keep || this.#over.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#keep(false), ttlMs * refreshedAfter);
  }

  async #close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#over.abort(new Failure('failed', `Connection '${this.id}' is closed`));
    clearTimeout(this.#timer);
    await this.#turn;
    try {
      await this.#calls.close(this.#connection);
    } catch (error) {
      this.#tell('failed', asError(error));
      throw error;
    } finally {
      this.#end();
    }
  }

  #end(): void {
    this.#state = 'closed';
    this.#tell('closed');
    this.#letGo();
  }

  #letGo(): void {
    this.#over.abort(new Failure('failed', `Connection '${this.id}' is closed`));
    clearTimeout(this.#timer);
    this.#forgetSignal();
    this.#calls.dispose();
    this.#updates.end();
    this.#onEnd();
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #tell(type: UpdateType, error: Error | null = null): void {
    this.#updates.tell(this.#update(type, error));
  }

  #update(type: UpdateType, error: Error | null): ConnectionUpdate {
    return { type, connection: this.connection, error };
  }
}
