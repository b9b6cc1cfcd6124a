import { Metadata, type ServerWritableStream, status } from '@grpc/grpc-js';
import { maxPendingEvents } from './limits.ts';

/** What is watched, and how one event of it is said. */
export interface Watched<Event, Message> {
  subscribe(listener: (event: Event) => void): () => void;
  message(event: Event): Message;
  /** What a watcher that was too slow reads again: `list the wires`. */
  remedy: string;
}

/** The streams of one kind of events that are open. */
export class Watchers<Event, Message> {
  readonly #watched: Watched<Event, Message>;
  readonly #open = new Set<(code: status, details: string) => void>();

  constructor(watched: Watched<Event, Message>) {
    this.#watched = watched;
  }

  /** From the moment the client has the headers it misses no event, or is told. */
  add<Request>(call: ServerWritableStream<Request, Message>): void {
    const pending: Event[] = [];
    let blocked = false;
    const write = (event: Event): boolean => call.write(this.#watched.message(event));
    const unsubscribe = this.#watched.subscribe((event) => {
      if (!blocked) blocked = !write(event);
      else if (pending.push(event) > maxPendingEvents)
        end(
          status.RESOURCE_EXHAUSTED,
          `The watcher is too slow: ${maxPendingEvents} events waited for it; watch again and ${this.#watched.remedy}`,
        );
    });
    const forget = (): void => {
      unsubscribe();
      pending.length = 0;
      this.#open.delete(end);
    };
    // grpc-js takes the status of a stream from its error, and sends what is buffered before it.
    const end = (code: status, details: string): void => {
      forget();
      call.emit('error', { code, details, metadata: new Metadata() });
    };
    call.on('drain', () => {
      for (;;) {
        const event = pending.shift();
        blocked = event !== undefined;
        if (event === undefined || !write(event)) return;
      }
    });
    call.on('cancelled', forget);
    this.#open.add(end);
    call.sendMetadata(new Metadata());
  }

  /** Ends every stream and tells why. */
  close(): void {
    for (const end of this.#open) end(status.UNAVAILABLE, 'The agent stops');
  }

  get size(): number {
    return this.#open.size;
  }
}
