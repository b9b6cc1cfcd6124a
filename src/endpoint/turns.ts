import { Failure } from '../features/failure.ts';
import { maxWaitingRequests } from './limits.ts';

interface Line {
  last: Promise<unknown>;
  waiting: number;
}

/** One after the other per key, in the order they come. */
export class Turns {
  readonly #lines = new Map<string, Line>();

  /** Throws Failure where too many wait already. */
  async take<T>(key: string, act: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(key) ?? { last: Promise.resolve(), waiting: 0 };
    if (line.waiting >= maxWaitingRequests)
      throw new Failure(
        'exhausted',
        `${line.waiting} requests wait for this connection: allowed are ${maxWaitingRequests}`,
        {
          allowed: `${maxWaitingRequests} at a time`,
        },
      );
    this.#lines.set(key, line);
    line.waiting += 1;
    const turn = line.last.then(act);
    line.last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      line.waiting -= 1;
      if (line.waiting === 0) this.#lines.delete(key);
    }
  }
}
