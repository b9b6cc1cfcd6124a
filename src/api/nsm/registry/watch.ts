import { Failure } from '../../../features/failure.ts';
import { maxPendingChanges, maxWatchers, maxWatchersPerOwner } from './limits.ts';

/** A record as it is, or as it was last when it is gone or no longer what was asked for. */
export interface Change<T> {
  record: T;
  deleted: boolean;
}

type Next<T> = IteratorResult<Change<T>, undefined>;
const done = { done: true, value: undefined } as const;

export interface Asked<T> {
  /** Empty is all. */
  name: string;
  fits: (record: T) => boolean;
  /** Whose watchers are counted together. */
  owner: string;
  /** Ends the watcher. */
  signal: AbortSignal;
}

/** Ends by `return`, as `for await` calls it, by its signal, or by falling behind, which it throws. */
class Watcher<T> implements AsyncIterableIterator<Change<T>, undefined> {
  readonly asked: Asked<T>;
  /** What was there at the beginning, last first: as long as the table. What came since is bounded here. */
  readonly #first: T[];
  readonly #later: Change<T>[] = [];
  readonly #waiting: ((next: Next<T>) => void)[] = [];
  readonly #end: () => void;
  #state: 'open' | 'behind' | 'ended' = 'open';

  constructor(asked: Asked<T>, first: readonly T[], onEnd: (watcher: Watcher<T>) => void) {
    this.asked = asked;
    this.#first = first.toReversed();
    this.#end = () => {
      asked.signal.removeEventListener('abort', this.#end);
      if (this.#state === 'open') this.#state = 'ended';
      this.#first.length = 0;
      this.#later.length = 0;
      for (const resolve of this.#waiting.splice(0)) resolve(done);
      onEnd(this);
    };
    asked.signal.addEventListener('abort', this.#end);
    if (asked.signal.aborted) this.#end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(change: Change<T>): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting({ done: false, value: change });
    else if (this.#later.push(change) > maxPendingChanges) {
      this.#state = 'behind';
      this.#end();
    }
  }

  next(): Promise<Next<T>> {
    if (this.#state === 'behind') {
      this.#state = 'ended';
      return Promise.reject(
        new Failure(
          'exhausted',
          `The watcher is more than ${maxPendingChanges} changes behind and was ended: find again what is there`,
        ),
      );
    }
    if (this.#state === 'ended') return Promise.resolve(done);
    const first = this.#first.pop();
    if (first !== undefined)
      return Promise.resolve({ done: false, value: { record: first, deleted: false } });
    const change = this.#later.shift();
    if (change !== undefined) return Promise.resolve({ done: false, value: change });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<Next<T>> {
    if (this.#state === 'open') this.#end();
    this.#state = 'ended';
    return Promise.resolve(done);
  }
}

/** Those who are told what becomes of a table's records. */
export class Watchers<T extends { name: string }> {
  /** By the name asked for, empty for all: NSM's endpoints each watch themselves. */
  readonly #byName = new Map<string, Set<Watcher<T>>>();
  readonly #byOwner = new Map<string, number>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Told of every change from here on. Throws Failure `exhausted` at a limit. */
  add(asked: Asked<T>, first: readonly T[]): AsyncIterableIterator<Change<T>, undefined> {
    const own = this.#byOwner.get(asked.owner) ?? 0;
    if (own >= maxWatchersPerOwner) throw tooMany('this caller has', own, maxWatchersPerOwner);
    if (this.#count >= maxWatchers) throw tooMany('there are', this.#count, maxWatchers);
    this.#byOwner.set(asked.owner, own + 1);
    this.#count += 1;
    const named = this.#byName.get(asked.name) ?? new Set();
    this.#byName.set(asked.name, named);
    const watcher = new Watcher(asked, first, (ended) => {
      this.#drop(ended);
    });
    if (!asked.signal.aborted) named.add(watcher);
    return watcher;
  }

  /** `before` is null for what is new, `after` for what is gone. */
  tell(before: T | null, after: T | null): void {
    const name = (after ?? before)?.name ?? '';
    for (const watcher of [...(this.#byName.get(name) ?? []), ...(this.#byName.get('') ?? [])]) {
      const { fits } = watcher.asked;
      if (after !== null && fits(after)) watcher.push({ record: after, deleted: false });
      // NSM is silent when a record changes into one that was not asked for; the watcher would keep it for ever.
      else if (before !== null && fits(before)) watcher.push({ record: before, deleted: true });
    }
  }

  #drop(watcher: Watcher<T>): void {
    const { name, owner } = watcher.asked;
    const named = this.#byName.get(name);
    named?.delete(watcher);
    if (named?.size === 0) this.#byName.delete(name);
    const left = (this.#byOwner.get(owner) ?? 0) - 1;
    if (left > 0) this.#byOwner.set(owner, left);
    else this.#byOwner.delete(owner);
    this.#count -= 1;
  }
}

const tooMany = (whose: string, count: number, max: number): Failure =>
  new Failure('exhausted', `No more watchers: ${whose} ${count} open, allowed are ${max}`, {
    field: 'watch',
    value: 'true',
    allowed: `${max} at a time`,
  });
