/** Time as everything that expires reads it, so that tests can stand at its boundaries. */
export interface Clock {
  /** Milliseconds since the epoch: what tokens and records say their end in. */
  now(): number;
  /**
   * Calls `act` once, not before `ms` have passed and never before this returns. Any length is kept, Infinity is
   * never. The returned function cancels; it may be called again, and after `act` ran. Holds no process open.
   */
  after(ms: number, act: () => void): () => void;
}

/** Node takes a longer delay for 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * `after` counts by the monotonic clock: a wall clock that is set back or forth moves no timer. Who waits for a
 * point of wall time compares with `now` when called.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, act) {
    if (Number.isNaN(ms)) throw new RangeError('A delay is not a number');
    const due = performance.now() + ms;
    let timer: NodeJS.Timeout | undefined;
    const arm = (): void => {
      const left = Math.max(1, Math.ceil(due - performance.now()));
      // Node rounds down, so a timer may be a part of a millisecond early: look again.
      const look = (): void => {
        if (performance.now() < due) arm();
        else act();
      };
      timer = setTimeout(look, Math.min(left, LONGEST_TIMER_MS)).unref();
    };
    if (ms !== Infinity) arm();
    return () => {
      clearTimeout(timer);
    };
  },
};
