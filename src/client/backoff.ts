import { setTimeout as sleep } from 'node:timers/promises';
import { firstPauseMs, longestPauseMs } from './limits.ts';

/** Pauses that double up to a bound, each shortened by chance so that many who wait do not come at once. */
export class Backoff {
  #next = firstPauseMs;

  /** Waits; at once when `signal` aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    const ms = this.#next * (0.5 + Math.random() / 2);
    this.#next = Math.min(this.#next * 2, longestPauseMs);
    // What aborts it is for the caller to look at.
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }

  /** After a success: the next pause is a short one. */
  reset(): void {
    this.#next = firstPauseMs;
  }
}
