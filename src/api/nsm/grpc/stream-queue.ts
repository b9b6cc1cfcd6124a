import { Failure } from '../../../features/failure.ts';
import { maxWaitingItems } from './limits.ts';

export interface StreamQueueOptions<T> {
  /** Ends the queue when aborted, and the reader's loop with it. */
  signal: AbortSignal;
  /** Called when the queue has ended, in whatever way: stop pushing. */
  onEnd: () => void;
  /** Items that may wait. */
  limit?: number;
  /** Lets an item that waits stand for a newer one too, or drops both: says what is to wait instead, null for itself. */
  merge?: (waiting: readonly T[], next: T) => T[] | null;
}

/**
 * What waits between those who tell and one reader. A reader that is too slow gets what waits no longer but
 * a Failure, so that it knows what it missed: everything.
 */
export class StreamQueue<T> implements AsyncIterable<T> {
  readonly #options: StreamQueueOptions<T>;
  #waiting: T[] = [];
  #end: { error: Failure | null } | null = null;
  #wake: () => void = () => undefined;

  constructor(options: StreamQueueOptions<T>) {
    this.#options = options;
    const { signal } = options;
    const abort = (): void => {
      this.end();
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }

  /** Harmless after the end. */
  push(item: T): void {
    if (this.#end !== null) return;
    const { limit = maxWaitingItems, merge } = this.#options;
    const merged = merge?.(this.#waiting, item) ?? null;
    if (merged === null) this.#waiting.push(item);
    else this.#waiting = merged;
    if (this.#waiting.length > limit) {
      this.#waiting = [];
      this.end(
        new Failure('exhausted', `The reader is too slow: ${limit} items waited for it; ask again`, {
          allowed: `at most ${limit} items behind`,
        }),
      );
    }
    this.#wake();
  }

  /** What waits is read before the end, or the error. Harmless when repeated. */
  end(error: Failure | null = null): void {
    if (this.#end !== null) return;
    this.#end = { error };
    this.#options.onEnd();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        const item = this.#waiting.shift();
        if (item !== undefined) yield item;
        else if (this.#end !== null) break;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
      if (this.#end.error !== null) throw this.#end.error;
    } finally {
      // The reader may have left on its own.
      this.end();
    }
  }
}
