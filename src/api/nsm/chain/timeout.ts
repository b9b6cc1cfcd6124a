import type { Clock } from '../../../state/clock.ts';
import type { ConnectionBook } from '../connections/book.ts';
import { inTurn, type Held } from '../connections/held.ts';
import { Failure } from '../../../features/failure.ts';
import { connectionOf } from '../connections/record.ts';
import { endConnection } from './begin.ts';
import type { Element } from './element.ts';
import { callerExpiry } from './update-token.ts';

/** After a restart, who could not ask again while no agent was there gets this long, or its token's life if shorter. */
export const GRACE_MS = 120_000;

const isoTime = (ms: number): string => new Date(ms).toISOString();

/** Ends connections whose callers no longer stand for them. */
export class Lifetimes {
  readonly #book: ConnectionBook;
  readonly #clock: Clock;
  readonly #timers = new Map<Held, () => void>();

  constructor(book: ConnectionBook, clock: Clock) {
    this.#book = book;
    this.#clock = clock;
  }

  /** Ends the connection at that time, in ms since the epoch; null is never. Replaces what was set before. */
  set(connection: Held, at: number | null): void {
    this.forget(connection);
    const expires = at === null ? null : isoTime(at);
    if (connection.record.expires !== expires) this.#book.rewrite(connection, { expires });
    if (at === null) return;
    const cancel = this.#clock.after(at - this.#clock.now(), () => {
      this.#timers.delete(connection);
      void this.#expire(connection, at);
    });
    this.#timers.set(connection, cancel);
  }

  /** For one that an earlier agent kept: what expired while none was there gets its grace. */
  resume(connection: Held): void {
    const { expires, since } = connection.record;
    if (expires === null) return;
    const at = Date.parse(expires);
    const now = this.#clock.now();
    const life = Math.max(0, at - Date.parse(since));
    this.set(connection, at > now ? at : now + Math.min(GRACE_MS, life));
  }

  forget(connection: Held): void {
    this.#timers.get(connection)?.();
    this.#timers.delete(connection);
  }

  close(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** A refresh that waits for its turn before this one has moved the end. */
  async #expire(connection: Held, at: number): Promise<void> {
    try {
      await inTurn(connection, async () => {
        if (connection.gone || connection.record.expires !== isoTime(at)) return;
        await endConnection(this.#book, connection, 'nobody asked for it again in time', 'expired');
      });
    } catch {
      // Told by endConnection; what could not be released is tried again.
      if (!connection.gone) this.set(connection, this.#clock.now() + GRACE_MS);
    }
  }
}

/**
 * NSM's timeout. A token's end counts as early as its call could still be under way. A token that has ended
 * already is refused before anything is made.
 */
export function timeout(lifetimes: Lifetimes, clock: Clock): Element {
  return {
    name: 'timeout',
    async request(request, at, next) {
      const { held } = at;
      if (at.askedBy.kind === 'self') {
        at.expires = held.record.expires;
        return next(request);
      }
      const expires = callerExpiry(connectionOf(request));
      const remaining = at.token && at.deadline !== null ? Math.max(0, at.deadline - clock.now()) : 0;
      const end = expires === null ? null : expires - remaining;
      if (end !== null && end <= clock.now())
        throw new Failure(
          'denied',
          `The caller's token, or the time it gives the connection, has ended: no sufficient privileges`,
          { field: 'connection.path', value: new Date(end).toISOString(), allowed: 'a time to come' },
        );
      at.expires = end === null ? null : isoTime(end);
      const reply = await next(request);
      lifetimes.set(held, end);
      if (!held.scope.has('timeout'))
        await held.scope.hold('timeout', '', () => () => {
          lifetimes.forget(held);
        });
      return reply;
    },
  };
}
