import { Metadata, type ServerWritableStream, status } from '@grpc/grpc-js';
import { create } from '@bufbuild/protobuf';
import type { WireEvent as Event, Wires } from '../../features/wire/api.ts';
import { maxPendingEvents } from './limits.ts';
import { type WatchWiresRequest, type WireEvent, WireEventSchema } from './vwire/v1/vwire_pb.ts';

export type WatchCall = ServerWritableStream<WatchWiresRequest, WireEvent>;

/** The streams of events that are open. */
export class Watchers {
  readonly #wires: Wires;
  readonly #open = new Set<(code: status, details: string) => void>();

  constructor(wires: Wires) {
    this.#wires = wires;
  }

  /** From the moment the client has the headers it misses no event, or is told. */
  add(call: WatchCall): void {
    const pending: Event[] = [];
    let blocked = false;
    const write = (event: Event): boolean => call.write(create(WireEventSchema, event));
    const unsubscribe = this.#wires.subscribe((event) => {
      if (!blocked) blocked = !write(event);
      else if (pending.push(event) > maxPendingEvents)
        end(
          status.RESOURCE_EXHAUSTED,
          `The watcher is too slow: ${maxPendingEvents} events waited for it; watch again and list the wires`,
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
