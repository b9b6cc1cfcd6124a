import { faultAt } from '../fault.ts';

type Release = () => void | Promise<void>;

interface Held {
  name: string;
  fingerprint: string;
  release: Release;
}

/** What is held under this name tells of all the rest: it goes when everything else has gone, and not before. */
const RECORD = 'record';

/**
 * Everything one connection holds. Whoever acquires says how to release on the same line; closing the
 * scope releases in reverse order. A failed release does not stop the others but the record's: all are tried, then
 * the failures are thrown together. What could not be released is still held, for another close.
 */
export class Scope {
  #held: readonly Held[] = [];
  readonly #whose: string;

  /** `whose` is a word for its fault points: 'release WHOSE NAME'. */
  constructor(whose = '') {
    this.#whose = whose;
  }

  /**
   * Acquires `name` unless it is held with the same fingerprint already, which makes a repeated
   * request do nothing. With another fingerprint the old one is released first.
   */
  async hold(name: string, fingerprint: string, acquire: () => Release | Promise<Release>): Promise<void> {
    if (this.fingerprint(name) === fingerprint) return;
    await this.release(name);
    const release = await acquire();
    // Not pushed: an array that is pushed to has room for seventeen, in each of twenty thousand scopes.
    this.#held = [...this.#held, { name, fingerprint, release }];
  }

  has(name: string): boolean {
    return this.#held.some((h) => h.name === name);
  }

  /** What `name` is held with; null when it is not held. */
  fingerprint(name: string): string | null {
    return this.#held.find((h) => h.name === name)?.fingerprint ?? null;
  }

  /** What is held under this name has become another, without a release. Nothing where it is not held. */
  refit(name: string, fingerprint: string): void {
    const held = this.#held.find((h) => h.name === name);
    if (held) held.fingerprint = fingerprint;
  }

  /** Releases one before its time; harmless when it is not held. If that fails it stays held. */
  async release(name: string): Promise<void> {
    const before = this.#held.find((h) => h.name === name);
    if (!before) return;
    faultAt('release', this.#whose, name);
    await before.release();
    this.#held = this.#held.filter((held) => held !== before);
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  async close(): Promise<void> {
    const failures: unknown[] = [];
    const kept: Held[] = [];
    for (let held = this.#held.at(-1); held; held = this.#held.at(-1)) {
      this.#held = this.#held.slice(0, -1);
      if (held.name === RECORD && failures.length > 0) {
        kept.unshift(held);
        continue;
      }
      try {
        faultAt('release', this.#whose, held.name);
        await held.release();
      } catch (failure) {
        failures.push(new Error(`Release ${held.name}: ${String(failure)}`, { cause: failure }));
        kept.unshift(held);
      }
    }
    this.#held = [...this.#held, ...kept];
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('; '));
  }
}
