import { clone, create } from '@bufbuild/protobuf';
import { closeSync } from 'node:fs';
import type { Call } from '../api/nsm/grpc/services.ts';
import { StreamQueue } from '../api/nsm/grpc/stream-queue.ts';
import type { Endpoint } from '../api/nsm/endpoint/endpoint.ts';
import type { ContextSettings } from '../api/nsm/endpoint/settings.ts';
import { formatInodeUrl } from '../api/nsm/inode-url.ts';
import {
  type Connection,
  type ConnectionEvent,
  ConnectionEventSchema,
  ConnectionEventType,
  ConnectionSchema,
  type MonitorScopeSelector,
} from '../api/nsm/proto/connection_pb.ts';
import type { NetworkServiceRequest } from '../api/nsm/proto/networkservice_pb.ts';
import { selects } from '../api/nsm/monitor.ts';
import { Turns } from './turns.ts';
import type { Netns } from '../client/netns.ts';
import { unsettledMs } from './limits.ts';
import type { ServeOptions } from './options.ts';

const event = (type: ConnectionEventType, connections: readonly Connection[]): ConnectionEvent =>
  create(ConnectionEventSchema, {
    type,
    connections: Object.fromEntries(connections.map((connection) => [connection.id, connection])),
  });

interface Watcher {
  readonly selector: MonitorScopeSelector;
  readonly queue: StreamQueue<ConnectionEvent>;
}

/** What an endpoint's process serves: Requests and Closes one after the other per connection, and monitors. */
export class Connections {
  readonly #endpoint: Endpoint;
  readonly #netns: Netns;
  readonly #hooks: Pick<ServeOptions, 'onRequest' | 'onClose'>;
  readonly #turns = new Turns();
  readonly #watchers = new Set<Watcher>();
  /** When each was last answered, on performance.now()'s clock. */
  readonly #answered = new Map<string, number>();

  constructor(endpoint: Endpoint, netns: Netns, hooks: Pick<ServeOptions, 'onRequest' | 'onClose'>) {
    this.#endpoint = endpoint;
    this.#netns = netns;
    this.#hooks = hooks;
  }

  request(request: NetworkServiceRequest, call: Call): Promise<Connection> {
    return this.#turns.take(callerOf(request.connection), async () => {
      call.signal.throwIfAborted();
      const answer = this.#endpoint.answer(request);
      try {
        await this.#hooks.onRequest?.(answer.connection, { first: answer.first, signal: call.signal });
        call.signal.throwIfAborted();
        this.#pass(answer.connection, call);
      } catch (error) {
        answer.withdraw();
        throw error;
      }
      const reply = answer.accept();
      this.#answered.set(answer.id, performance.now());
      this.#publish(ConnectionEventType.UPDATE, answer.connection);
      return reply;
    });
  }

  close(connection: Connection, _call: Call): Promise<void> {
    return this.#turns.take(callerOf(connection), () => {
      this.end(connection);
      return Promise.resolve();
    });
  }

  async *monitor(
    selector: MonitorScopeSelector,
    { signal }: Call,
  ): AsyncGenerator<ConnectionEvent, void, undefined> {
    const watcher: Watcher = {
      selector,
      queue: new StreamQueue<ConnectionEvent>({ signal, onEnd: () => this.#watchers.delete(watcher) }),
    };
    const standing = this.#endpoint.connections.filter((connection) => selects(selector, connection));
    watcher.queue.push(event(ConnectionEventType.INITIAL_STATE_TRANSFER, standing));
    this.#watchers.add(watcher);
    yield* watcher.queue;
  }

  /** Other settings; those who watch are told of the connections that are to be asked for again. */
  change(change: Partial<ContextSettings>): void {
    for (const connection of this.#endpoint.change(change))
      this.#publish(ConnectionEventType.UPDATE, connection);
  }

  /**
   * What the agent has with an endpoint of this name, which it had before this process or before it restarted itself:
   * the former is taken up, and what it no longer has was ended while nobody could be told.
   */
  reconcile(standing: readonly Connection[]): void {
    const { name } = this.#endpoint.settings;
    const ids = new Set<string>();
    for (const connection of standing) {
      const own = connection.path?.pathSegments.at(-1);
      if (own?.name === name) ids.add(own.id);
      this.#endpoint.restore(connection);
    }
    // An agent shows a process what is in its own namespace, and may not show what is in another.
    if (!this.#netns.isOwn) return;
    const now = performance.now();
    for (const connection of this.#endpoint.connections) {
      // What was answered just now the agent has not completed, and ends itself where it does not.
      const settled = now - (this.#answered.get(connection.id) ?? -Infinity) > unsettledMs;
      if (settled && !ids.has(connection.id)) this.end(connection);
    }
  }

  /** Gives back what a connection had. */
  end(connection: Connection): void {
    const ended = this.#endpoint.close(connection);
    if (ended === null) return;
    this.#answered.delete(ended.id);
    this.#publish(ConnectionEventType.DELETE, ended);
    this.#hooks.onClose?.(ended);
  }

  /** The namespace it is said to be in, and its descriptor with the answer. Over tcp none can be passed. */
  #pass({ mechanism }: Connection, { caller }: Call): void {
    const netns = this.#netns.open();
    try {
      if (mechanism !== undefined) mechanism.parameters.inodeURL = formatInodeUrl(netns);
      if (caller.kind === 'unix') caller.stream.pass(netns.fd);
    } finally {
      closeSync(netns.fd);
    }
  }

  #publish(type: ConnectionEventType, connection: Connection): void {
    const told = clone(ConnectionSchema, connection);
    for (const { selector, queue } of this.#watchers)
      if (selects(selector, told)) queue.push(event(type, [told]));
  }
}

/** Whose request it is, which stays the same where the endpoint's own segment is missing. */
function callerOf(connection: Connection | undefined): string {
  const segment = connection?.path?.pathSegments[connection.path.index];
  return `${segment?.name ?? ''}\0${segment?.id ?? connection?.id ?? ''}`;
}
