import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/state/clock.ts';

interface Timer {
  due: number;
  act: () => void;
}

/** Stands still until it is advanced. Held to the contract of Clock by src/state/clock.test.ts. */
export class FakeClock implements Clock {
  #now: number;
  #timers: Timer[] = [];

  constructor(now = Date.parse('2026-01-02T03:04:05.000Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): () => void {
    if (Number.isNaN(ms)) throw new RangeError('A delay is not a number');
    const timer = { due: this.#now + Math.max(0, ms), act };
    if (ms !== Infinity) this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }

  /** How many timers wait: what has ended left none. */
  get pending(): number {
    return this.#timers.length;
  }

  /**
   * Lets `ms` pass. Timers run in order of when they are due, those due together in the order they were set, each
   * at its own time and once all promises that the one before settled have been acted on; so do timers that they
   * set. Whatever a timer throws comes out here.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (let next = this.#next(until); next !== null; next = this.#next(until)) {
      this.#timers = this.#timers.filter((t) => t !== next);
      this.#now = next.due;
      next.act();
      await setImmediate();
    }
    this.#now = until;
    await setImmediate();
  }

  #next(until: number): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.#timers)
      if (timer.due <= until && (first === null || timer.due < first.due)) first = timer;
    return first;
  }
}
