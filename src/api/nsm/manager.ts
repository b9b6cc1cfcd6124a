import { clone, create } from '@bufbuild/protobuf';
import type { Logger } from 'pino';
import type { ConnectionChange, ConnectionItem, Connections } from '../../features/connection/api.ts';
import { checkConnectionSizes, checkRequest } from './chain/checked.ts';
import { endConnection } from './chain/begin.ts';
import { Attempt, runClose, runRequest, type Element } from './chain/element.ts';
import type { ConnectionBook } from './connections/book.ts';
import { inTurn, type Held } from './connections/held.ts';
import type { Call } from './grpc/services.ts';
import type { Connection } from './proto/connection_pb.ts';
import { ConnectionContextSchema, IPContextSchema } from './proto/connectioncontext_pb.ts';
import { NetworkServiceRequestSchema, type NetworkServiceRequest } from './proto/networkservice_pb.ts';

/** How long the agent's own asking again may take. */
const OWN_DEADLINE_MS = 15_000;

export interface AskAgain {
  readonly why: string;
  /** The one it has, or any that serves. */
  readonly endpoint: 'same' | 'any';
}

/** The entrance to the chain, for callers and for the agent itself. */
export class Manager implements Connections {
  readonly #chain: readonly Element[];
  readonly #book: ConnectionBook;
  readonly #log: Logger;

  constructor(chain: readonly Element[], book: ConnectionBook, log: Logger) {
    this.#chain = chain;
    this.#book = book;
    this.#log = log;
  }

  /** NetworkService.Request. */
  async request(request: NetworkServiceRequest, call: Call): Promise<Connection> {
    checkRequest(request);
    const asked = clone(NetworkServiceRequestSchema, request);
    return runRequest(this.#chain, asked, new Attempt({ askedBy: call.caller, ...call }));
  }

  /** NetworkService.Close: closing what is not there is success. */
  async closeFor(connection: Connection, call: Call): Promise<void> {
    checkConnectionSizes(connection, 'connection');
    await runClose(this.#chain, connection, new Attempt({ askedBy: call.caller, ...call }));
  }

  /**
   * Asks as the client would: the same endpoint with what it answered, from which one that has forgotten it makes the
   * same again. Throws what the chain throws; the connection stays as it was then.
   */
  async askAgain(connection: Held, { why, endpoint }: AskAgain): Promise<void> {
    const { established } = connection;
    if (!established || connection.gone) return;
    const request = clone(NetworkServiceRequestSchema, established.request);
    const asked = request.connection;
    if (!asked) return;
    asked.networkServiceEndpointName =
      endpoint === 'same' ? established.reply.networkServiceEndpointName : '';
    const { context } = established.reply;
    if (endpoint === 'same' && context) asked.context = clone(ConnectionContextSchema, context);
    // Another endpoint has addresses of its own to give.
    if (endpoint === 'any' && asked.context?.ipContext)
      asked.context.ipContext = create(IPContextSchema, {
        excludedPrefixes: asked.context.ipContext.excludedPrefixes,
      });
    this.#log.info({ conn: connection.id, endpoint }, `asking again: ${why}`);
    await runRequest(
      this.#chain,
      request,
      new Attempt({
        askedBy: { kind: 'self', why },
        deadline: Date.now() + OWN_DEADLINE_MS,
        signal: AbortSignal.timeout(OWN_DEADLINE_MS),
        token: null,
      }),
    );
  }

  list(): ConnectionItem[] {
    return this.#book.list();
  }

  async close(id: string): Promise<void> {
    await this.end(this.#book.find(id), 'asked for');
  }

  /** In its turn; nothing where it has ended meanwhile. */
  end(connection: Held, why: string): Promise<void> {
    return inTurn(connection, async () => {
      if (!connection.gone) await endConnection(this.#book, connection, why);
    });
  }

  subscribe(listener: (change: ConnectionChange) => void): () => void {
    return this.#book.subscribe(listener);
  }
}
