import { create } from '@bufbuild/protobuf';
import type { Logger } from 'pino';
import { Failure } from '../../features/failure.ts';
import type { Clock } from '../../state/clock.ts';
import type { Endpoint, EndpointLink, EndpointLinks, Until } from './chain/connect.ts';
import { namedNetns } from './chain/named-netns.ts';
import type { Whereabouts } from '../../features/wire/whereabouts.ts';
import type { UnixStream } from '../../net/unix/stream.ts';
import { NsmClient } from './grpc/client.ts';
import {
  ConnectionEventType,
  MonitorScopeSelectorSchema,
  PathSegmentSchema,
  type Connection,
} from './proto/connection_pb.ts';
import type { NetworkServiceRequest } from './proto/networkservice_pb.ts';

export interface LinkParts {
  /** In every path: what endpoints are asked to monitor. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Answers for the endpoints of the agent itself. */
  readonly hosted: { link(endpoint: string): EndpointLink | null };
  /** An endpoint that answered does so no more. */
  readonly onGone: (endpoint: string, why: string) => void;
  /** What an endpoint tells of a connection, as it knows it. */
  readonly onNews: (endpoint: string, connection: Connection, deleted: boolean) => void;
}

/** How long an endpoint that broke off its stream has until it counts as gone, and how often it is asked meanwhile. */
const PATIENCE_MS = 250;
const RETRY_MS = 250;
/** After a start: endpoints notice it by themselves and register again, which is where they are found. */
const START_PATIENCE_MS = 10_000;
/** How long a way to an endpoint stays open that no connection uses. */
const IDLE_MS = 30_000;

const nothing = (): void => undefined;

const keyOf = ({ name, target }: Endpoint): string => `${name} ${target}`;

/** One endpoint process: a channel, and one stream on which it tells of all its connections. */
class ProcessLink implements EndpointLink {
  readonly #client: NsmClient;
  readonly #endpoint: Endpoint;
  readonly #parts: LinkParts;
  readonly #ended = new AbortController();
  #watching = false;
  /** Events so far. */
  #heard = 0;
  /** On which it answered last: its peer is who answered, and what it passed came there. */
  #stream: UnixStream | null = null;
  /** Null until it is known. */
  answers: boolean | null = null;
  /** Connections that use it. */
  users = 0;
  cancelIdle = (): void => undefined;

  constructor(endpoint: Endpoint, parts: LinkParts) {
    this.#endpoint = endpoint;
    this.#parts = parts;
    this.#client = new NsmClient({ url: endpoint.target });
  }

  async request(request: NetworkServiceRequest, { deadline, signal }: Until): Promise<Connection> {
    const onStream = (stream: UnixStream): void => {
      this.#stream = stream;
    };
    const reply = await this.#told(() => this.#client.request(request, { deadline, signal, onStream }));
    this.answers = true;
    this.watch();
    return reply;
  }

  async close(connection: Connection, { deadline, signal }: Until): Promise<void> {
    await this.#told(() => this.#client.close(connection, { deadline, signal }));
  }

  /** That nobody listens is no fault of the agent's, which its callers would take it for. */
  async #told<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof Failure) throw error;
      const { name } = this.#endpoint;
      throw new Failure('failed', `Endpoint '${name}' cannot be asked: ${(error as Error).message}`, {
        field: 'connection.network_service_endpoint_name',
        value: name,
        cause: error,
      });
    }
  }

  netnsOf(inodeUrl: string, field: string, signal: AbortSignal): Promise<Whereabouts> {
    const stream = this.#stream;
    return namedNetns(inodeUrl, { peer: stream?.peer ?? null, stream, trusted: false }, field, signal);
  }

  /** Listens until the link is disposed of or the endpoint is gone. */
  watch(patienceMs = PATIENCE_MS): void {
    if (this.#watching || this.#ended.signal.aborted) return;
    this.#watching = true;
    void this.#listen(patienceMs).finally(() => {
      this.#watching = false;
    });
  }

  async #listen(patienceMs: number): Promise<void> {
    let why = 'its stream ended';
    const { clock } = this.#parts;
    for (let until: number | null = null; ;) {
      const before = this.#heard;
      try {
        await this.#events();
      } catch (error) {
        why = (error as Error).message;
        // An endpoint without this service can be asked, and its death shows when it is asked again.
        if (error instanceof Failure && error.code === 'unsupported') return;
      }
      if (this.#ended.signal.aborted) return;
      // The patience begins when the endpoint was last heard of.
      if (this.#heard > before) until = null;
      until ??= clock.now() + patienceMs;
      if (clock.now() >= until) break;
      await this.#pause();
    }
    this.answers = false;
    this.#parts.onGone(this.#endpoint.name, `endpoint '${this.#endpoint.name}' is gone: ${why}`);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(RETRY_MS, resolve));
  }

  async #events(): Promise<void> {
    const selector = create(MonitorScopeSelectorSchema, {
      pathSegments: [create(PathSegmentSchema, { name: this.#parts.name })],
    });
    for await (const event of this.#client.monitor(selector, { signal: this.#ended.signal })) {
      this.answers = true;
      this.#heard++;
      // What stands at first may have changed since it was answered.
      for (const connection of Object.values(event.connections))
        this.#parts.onNews(this.#endpoint.name, connection, event.type === ConnectionEventType.DELETE);
    }
  }

  dispose(): void {
    this.cancelIdle();
    this.#ended.abort();
    this.#client.dispose();
  }
}

/** The endpoints that are asked, a link each, kept while any connection uses it. */
export class Links implements EndpointLinks {
  readonly #parts: LinkParts;
  readonly #processes = new Map<string, ProcessLink>();

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  to(endpoint: Endpoint): EndpointLink {
    if (endpoint.target === '') {
      const hosted = this.#parts.hosted.link(endpoint.name);
      if (hosted) return hosted;
      throw new Failure('not_found', `network service endpoint ${endpoint.name} not found`, {
        field: 'connection.network_service_endpoint_name',
        value: endpoint.name,
        allowed: 'an endpoint that vwire endpoint ls shows',
      });
    }
    const known = this.#processes.get(keyOf(endpoint));
    if (known) return known;
    const link = new ProcessLink(endpoint, this.#parts);
    this.#processes.set(keyOf(endpoint), link);
    this.#idle(endpoint, link);
    return link;
  }

  answers(endpoint: Endpoint): boolean {
    if (endpoint.target === '') return this.#parts.hosted.link(endpoint.name) !== null;
    return this.#processes.get(keyOf(endpoint))?.answers !== false;
  }

  /** It has registered: whether it answers now is to be found out. */
  registered(endpoint: Endpoint): void {
    const link = this.#processes.get(keyOf(endpoint));
    if (link?.answers === false) link.answers = null;
  }

  /** Listens to an endpoint of a connection that an earlier agent kept. */
  watch(endpoint: Endpoint): void {
    const link = endpoint.target === '' ? null : this.to(endpoint);
    if (link instanceof ProcessLink) link.watch(START_PATIENCE_MS);
  }

  retain(endpoint: Endpoint): () => void {
    const link = endpoint.target === '' ? null : this.to(endpoint);
    return link instanceof ProcessLink ? this.#use(endpoint, link) : nothing;
  }

  #use(endpoint: Endpoint, link: ProcessLink): () => void {
    link.users++;
    link.cancelIdle();
    let retained = true;
    return () => {
      if (!retained) return;
      retained = false;
      link.users--;
      this.#idle(endpoint, link);
    };
  }

  #idle(endpoint: Endpoint, link: ProcessLink): void {
    if (link.users > 0) return;
    link.cancelIdle();
    link.cancelIdle = this.#parts.clock.after(IDLE_MS, () => {
      if (this.#processes.get(keyOf(endpoint)) === link) this.#processes.delete(keyOf(endpoint));
      link.dispose();
    });
  }

  close(): void {
    for (const link of this.#processes.values()) link.dispose();
    this.#processes.clear();
  }
}
