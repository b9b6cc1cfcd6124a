import { Failure } from '../../../features/failure.ts';
import { StreamQueue } from '../grpc/stream-queue.ts';
import { maxWatchers, maxWatchersPerOwner } from './limits.ts';

/** A record as it is, or as it was last when it is gone or no longer what was asked for. */
export interface Change<T> {
  record: T;
  deleted: boolean;
}

export interface Asked<T> {
  /** Empty is all. */
  name: string;
  fits: (record: T) => boolean;
  /** Whose watchers are counted together. */
  owner: string;
  /** Ends the watcher. */
  signal: AbortSignal;
}

interface Watcher<T> {
  readonly asked: Asked<T>;
  push: (change: Change<T>) => void;
}

async function* withFirst<T>(
  first: readonly T[],
  later: StreamQueue<Change<T>>,
): AsyncGenerator<Change<T>, void> {
  try {
    for (const record of first) yield { record, deleted: false };
    yield* later;
  } finally {
    later.end();
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

  /**
   * What is there first, then every change from here on, until the signal or a reader that leaves. Throws Failure
   * `exhausted` at a limit, and so does the iterable for a reader that is too slow.
   */
  add(asked: Asked<T>, first: readonly T[]): AsyncIterable<Change<T>> {
    const { name, owner, signal } = asked;
    const own = this.#byOwner.get(owner) ?? 0;
    if (own >= maxWatchersPerOwner) throw tooMany('this caller has', own, maxWatchersPerOwner);
    if (this.#count >= maxWatchers) throw tooMany('there are', this.#count, maxWatchers);
    const watcher: Watcher<T> = { asked, push: () => undefined };
    const named = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, named.add(watcher));
    this.#byOwner.set(owner, own + 1);
    this.#count += 1;
    const later = new StreamQueue<Change<T>>({
      signal,
      onEnd: () => {
        this.#drop(watcher);
      },
    });
    watcher.push = (change) => {
      later.push(change);
    };
    return withFirst(first, later);
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
