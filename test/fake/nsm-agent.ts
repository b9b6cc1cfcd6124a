import { clone, create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { NsmClient } from '../../src/api/nsm/grpc/client.ts';
import { type NsmServer, serveNsm } from '../../src/api/nsm/grpc/server.ts';
import type { Call, NsmServices } from '../../src/api/nsm/grpc/services.ts';
import { StreamQueue } from '../../src/api/nsm/grpc/stream-queue.ts';
import { parseInodeUrl } from '../../src/api/nsm/inode-url.ts';
import { advance, restore } from '../../src/api/nsm/path.ts';
import {
  type Connection,
  type ConnectionEvent,
  ConnectionEventSchema,
  ConnectionEventType,
  ConnectionSchema,
  type Mechanism,
  MechanismSchema,
  type MonitorScopeSelector,
  type State,
} from '../../src/api/nsm/proto/connection_pb.ts';
import {
  type NetworkServiceRequest,
  NetworkServiceRequestSchema,
} from '../../src/api/nsm/proto/networkservice_pb.ts';
import { RegistryStore } from '../../src/api/nsm/registry/store.ts';
import { selects } from '../../src/api/nsm/monitor.ts';
import { Failure } from '../../src/features/failure.ts';
import { systemClock } from '../../src/state/clock.ts';
import { registryServices } from './nsm-registry.ts';

interface Held {
  /** As the agent sees it, with the client's mechanism. */
  connection: Connection;
  endpoint: Mechanism | undefined;
  timer: NodeJS.Timeout | undefined;
}

interface Watcher {
  readonly selector: MonitorScopeSelector;
  readonly queue: StreamQueue<ConnectionEvent>;
}

/**
 * An agent without wires, for the libraries that speak to one: a real registry, a real path, descriptors that really
 * have to arrive, and connections that are kept in memory. It stops and starts as often as a test wants.
 */
export class FakeAgent {
  readonly folder = mkdtempSync(join(tmpdir(), 'vwire-agent-'));
  readonly path = join(this.folder, 'agent.sock');
  readonly url = `unix://${this.path}`;
  /** What was asked, in order. */
  readonly requests: NetworkServiceRequest[] = [];
  readonly #held = new Map<string, Held>();
  readonly #watchers = new Set<Watcher>();
  readonly #links = new Map<string, NsmClient>();
  #store = new RegistryStore({ clock: systemClock });
  #server: NsmServer | null = null;
  #failures: Error[] = [];
  #delay: Promise<void> = Promise.resolve();

  static async start(): Promise<FakeAgent> {
    const agent = new FakeAgent();
    await agent.start();
    return agent;
  }

  async start(): Promise<void> {
    const log = pino({ level: 'silent' });
    this.#server = await serveNsm(this.#services(), { listen: [this.url], log });
  }

  /** As when it is killed: what is under way breaks off. Connections stay, registrations do not. */
  async stop(): Promise<void> {
    await this.#server?.close(0);
    this.#server = null;
    this.#store.endpoints.close();
    this.#store = new RegistryStore({ clock: systemClock });
    for (const link of this.#links.values()) link.dispose();
    this.#links.clear();
  }

  /** The end of the test. */
  async close(): Promise<void> {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** The next request is answered with this. */
  failNext(...errors: Error[]): void {
    this.#failures.push(...errors);
  }

  /** Requests are answered when the promise settles. */
  delayUntil(delay: Promise<void>): void {
    this.#delay = delay;
  }

  get connections(): Connection[] {
    return [...this.#held.values()].map(({ connection }) => connection);
  }

  get endpoints(): string[] {
    return this.#store.endpoints.list().map(({ record }) => record.name);
  }

  /** Those who watch connections. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** Forgets what stands, without a word. */
  lose(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }

  /** The connection's endpoint is gone, or back. */
  mark(state: State): void {
    for (const { connection } of this.#held.values()) {
      connection.state = state;
      this.#publish(ConnectionEventType.UPDATE, connection);
    }
  }

  /** Takes an endpoint's registration away. */
  unregister(name: string): void {
    this.#store.unregisterEndpoint(name, { owner: 'test', trusted: true });
  }

  #services(): NsmServices {
    return {
      request: (request, call) => this.#request(request, call),
      close: (connection) => this.#close(connection),
      monitor: (selector, call) => this.#monitor(selector, call),
      ...registryServices(() => this.#store),
    };
  }

  async #request(request: NetworkServiceRequest, call: Call): Promise<Connection> {
    this.requests.push(request);
    await this.#delay;
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
    const { connection } = request;
    if (connection === undefined) throw new Failure('invalid', 'connection is missing');
    const [offered] = request.mechanismPreferences;
    if (offered === undefined) throw new Failure('invalid', 'No mechanism is offered');
    await this.#take(offered, call);
    const advanced = advance(
      connection,
      'vwire',
      () => this.#idOf(connection) ?? `agent-${this.requests.length}`,
    );
    const { id } = advanced.connection;
    const before = this.#held.get(id);
    const onwards = clone(ConnectionSchema, advanced.connection);
    if (before?.endpoint === undefined) delete onwards.mechanism;
    else onwards.mechanism = before.endpoint;
    if (onwards.networkServiceEndpointName === '')
      onwards.networkServiceEndpointName =
        this.#store.candidates(onwards.networkService, '', onwards.labels).endpoints[0]?.endpoint.name ?? '';
    const link = this.#linkTo(onwards.networkServiceEndpointName);
    const answer = await link.request(
      create(NetworkServiceRequestSchema, {
        connection: onwards,
        mechanismPreferences: [{ cls: 'LOCAL', type: 'KERNEL' }],
      }),
      { signal: call.signal },
    );
    const side = answer.mechanism;
    const identity = parseInodeUrl(side?.parameters.inodeURL ?? '');
    const stream = link.stream();
    if (identity === null || stream === null) throw new Error('The endpoint says no namespace');
    closeSync(await stream.descriptors.take(identity, call.signal));
    answer.mechanism = connection.mechanism ?? clone(MechanismSchema, offered);
    answer.mechanism.parameters.name ||= 'nsm-1';
    clearTimeout(before?.timer);
    this.#held.set(id, { connection: answer, endpoint: side, timer: this.#expiry(id, connection) });
    this.#publish(ConnectionEventType.UPDATE, answer);
    return restore(answer, advanced);
  }

  /** The client's namespace, by its descriptor. */
  async #take({ parameters }: Mechanism, { caller, signal }: Call): Promise<void> {
    const identity = parseInodeUrl(parameters.inodeURL ?? '');
    if (identity === null || caller.kind !== 'unix') throw new Error('The client says no namespace');
    closeSync(await caller.stream.descriptors.take(identity, signal));
  }

  #expiry(id: string, { path }: Connection): NodeJS.Timeout | undefined {
    const expires = path?.pathSegments[0]?.expires;
    if (expires === undefined) return undefined;
    return setTimeout(
      () => {
        this.#drop(id);
      },
      timestampMs(expires) - Date.now(),
    );
  }

  /** The connection of a client that sends its own segment only. */
  #idOf({ path }: Connection): string | null {
    const own = path?.pathSegments[0];
    for (const [id, { connection }] of this.#held) {
      const client = connection.path?.pathSegments[0];
      if (own !== undefined && client?.id === own.id && client.name === own.name) return id;
    }
    return null;
  }

  async #close(connection: Connection): Promise<void> {
    const failure = this.#failures.shift();
    if (failure !== undefined) throw failure;
    const { id } = advance(connection, 'vwire', () => this.#idOf(connection) ?? 'none').connection;
    const held = this.#held.get(id);
    if (held === undefined) return;
    const told = async (): Promise<void> =>
      this.#linkTo(held.connection.networkServiceEndpointName).close(held.connection);
    // An endpoint that is gone keeps no connection from ending.
    await told().catch(() => undefined);
    this.#drop(id);
  }

  #drop(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    clearTimeout(held.timer);
    this.#held.delete(id);
    this.#publish(ConnectionEventType.DELETE, held.connection);
  }

  #linkTo(endpoint: string): NsmClient {
    const { target } = this.#store.endpoint(endpoint);
    const link = this.#links.get(target) ?? new NsmClient({ url: target });
    this.#links.set(target, link);
    return link;
  }

  async *#monitor(selector: MonitorScopeSelector, { signal }: Call): AsyncGenerator<ConnectionEvent, void> {
    const watcher: Watcher = {
      selector,
      queue: new StreamQueue<ConnectionEvent>({ signal, onEnd: () => this.#watchers.delete(watcher) }),
    };
    watcher.queue.push(
      event(
        ConnectionEventType.INITIAL_STATE_TRANSFER,
        this.connections.filter((connection) => selects(selector, connection)),
      ),
    );
    this.#watchers.add(watcher);
    yield* watcher.queue;
  }

  #publish(type: ConnectionEventType, connection: Connection): void {
    for (const { selector, queue } of this.#watchers)
      if (selects(selector, connection)) queue.push(event(type, [clone(ConnectionSchema, connection)]));
  }
}

const event = (type: ConnectionEventType, connections: Connection[]): ConnectionEvent =>
  create(ConnectionEventSchema, {
    type,
    connections: Object.fromEntries(connections.map((connection) => [connection.id, connection])),
  });
