import { StreamQueue } from '../api/nsm/grpc/stream-queue.ts';
import type { Connection } from '../api/nsm/proto/connection_pb.ts';
import { maxWaitingUpdates } from './limits.ts';

/**
 * up: traffic flows, also after it did not; changed: addresses, routes, the endpoint or the like are others now;
 * down: the endpoint is gone, the interface stays and the agent looks for another; failed: an attempt to keep the
 * connection failed and is made again; closed: it is no more, and nothing follows.
 */
export type UpdateType = 'up' | 'changed' | 'down' | 'failed' | 'closed';

export interface ConnectionUpdate {
  readonly type: UpdateType;
  /** As it is now, or was last. */
  readonly connection: Connection;
  /** Why, where it failed. */
  readonly error: Error | null;
}

/** Hands updates on to everybody who reads them. */
export class Updates {
  readonly #readers = new Set<StreamQueue<ConnectionUpdate>>();
  #ended = false;

  tell(update: ConnectionUpdate): void {
    for (const reader of this.#readers) reader.push(update);
  }

  /** What is told is still read. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
  }

  /** `first`, then what is told from now on. Throws Failure if it is read too slowly. */
  read(first: ConnectionUpdate, signal: AbortSignal | undefined): AsyncIterable<ConnectionUpdate> {
    const reader = new StreamQueue<ConnectionUpdate>({
      signal: signal ?? new AbortController().signal,
      limit: maxWaitingUpdates,
      onEnd: () => this.#readers.delete(reader),
    });
    reader.push(first);
    if (this.#ended) reader.end();
    else this.#readers.add(reader);
    return reader;
  }
}
