import { create, equals } from '@bufbuild/protobuf';
import type { Logger } from 'pino';
import type { Wires, WireEvent } from '../../features/wire/api.ts';
import type { Whereabouts } from '../../features/wire/whereabouts.ts';
import type { Clock } from '../../state/clock.ts';
import { sideLost } from './chain/wire.ts';
import type { ConnectionBook } from './connections/book.ts';
import { inTurn, type Held } from './connections/held.ts';
import type { Manager } from './manager.ts';
import { State, type Connection } from './proto/connection_pb.ts';
import { ConnectionContextSchema, type ConnectionContext } from './proto/connectioncontext_pb.ts';

/** The MTU is the wire's in the end, whatever the endpoint asked for. */
function isNews(standing: Connection, told: Connection): boolean {
  if (told.state === State.REFRESH_REQUESTED) return true;
  const context = ({ context: said }: Connection): ConnectionContext => ({
    ...(said ?? create(ConnectionContextSchema)),
    MTU: 0,
  });
  return !equals(ConnectionContextSchema, context(standing), context(told));
}

export interface HealParts {
  /** Of this process, in every path. */
  readonly name: string;
  readonly book: ConnectionBook;
  readonly manager: Manager;
  readonly wires: Wires;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a connection whose endpoint is gone keeps its interface and waits for the endpoint to come back, in ms. */
  readonly graceMs: number;
  readonly netnsLives: (netns: Whereabouts) => boolean;
}

/**
 * What becomes of connections when a side of them ends. The client's: it is closed. The endpoint's: it is DOWN, waits
 * for the endpoint to come back, then takes another one, and is closed when there is none.
 */
export class Healer {
  readonly #parts: HealParts;
  readonly #timers = new Map<Held, () => void>();
  readonly #unsubscribe: (() => void)[];
  #closed = false;

  constructor(parts: HealParts) {
    this.#parts = parts;
    this.#unsubscribe = [
      parts.wires.subscribe((event) => {
        this.#wireEvent(event);
      }),
      parts.book.subscribe(({ type, id }) => {
        if (type !== 'healed' && type !== 'up' && type !== 'closed' && type !== 'expired') return;
        const connection = parts.book.get(id);
        if (connection) this.#forget(connection);
      }),
    ];
  }

  /** Nobody answers at that endpoint any more. */
  endpointGone(endpoint: string, why: string): void {
    for (const connection of this.#parts.book.all())
      if (connection.record.endpoint === endpoint && connection.established) void this.#down(connection, why);
  }

  /** An endpoint has registered: connections that wait for it need wait no longer. */
  endpointBack(endpoint: string): void {
    for (const connection of this.#parts.book.all())
      if (connection.record.endpoint === endpoint && connection.state === 'down')
        void this.#try(connection, 'same', `endpoint '${endpoint}' is back`);
  }

  /** What an endpoint tells of a connection: that it has ended, or is not as it was answered. */
  async endpointNews(endpoint: string, told: Connection, deleted: boolean): Promise<void> {
    const { book, name } = this.#parts;
    const own = told.path?.pathSegments.find((segment) => segment.name === name);
    const connection = own ? book.get(own.id) : null;
    // It may be told before its answer has been carried out.
    await connection?.turn;
    // Who is not its endpoint has nothing to say of it.
    if (connection?.record.endpoint !== endpoint || !connection.established) return;
    if (deleted || told.state === State.DOWN) {
      // Our own closing is told back to us, in the turn in which it happens.
      if (connection.state === 'up') await this.#down(connection, `endpoint '${endpoint}' has let it go`);
      return;
    }
    if (isNews(connection.established.reply, told))
      await this.#try(connection, 'same', 'the endpoint has news');
  }

  /** For a connection that an earlier agent kept and whose wire has ended since. */
  wireGone(connection: Held): void {
    void this.#sideEnded(connection, connection.record.wire);
  }

  /** The wire of a connection is left with the client's side: the endpoint's namespace has ended. */
  async sideLost(connection: Held): Promise<void> {
    const found = { lost: false };
    await inTurn(connection, () => {
      const { rightNetns, right } = connection.record;
      // Another endpoint may have taken over meanwhile.
      found.lost =
        rightNetns === null || !this.#parts.netnsLives({ netns: right.netns, identity: rightNetns });
      if (found.lost) sideLost(connection, 'right');
      return Promise.resolve();
    });
    if (found.lost) await this.#down(connection, "the endpoint's network namespace has ended");
  }

  close(): void {
    this.#closed = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #forget(connection: Held): void {
    this.#timers.get(connection)?.();
    this.#timers.delete(connection);
  }

  #wireEvent({ type, connection: id, wire }: WireEvent): void {
    if (type !== 'removed' && type !== 'port_lost') return;
    const connection = this.#parts.book.get(id);
    if (connection?.record.wire !== wire) return;
    // Our own removals come while the connection has its turn; both look once that is over.
    void (type === 'port_lost' ? this.sideLost(connection) : this.#sideEnded(connection, wire));
  }

  async #sideEnded(connection: Held, wire: number | null): Promise<void> {
    const { book, manager, log, netnsLives } = this.#parts;
    try {
      const ended: { side: 'left' | 'right' | null } = { side: null };
      await inTurn(connection, async () => {
        const { record } = connection;
        if (connection.gone || record.wire !== wire) return;
        await connection.scope.release('wire');
        const { leftNetns, left } = record;
        ended.side = leftNetns && netnsLives({ netns: left.netns, identity: leftNetns }) ? 'right' : 'left';
        book.rewrite(connection, { wire: null });
      });
      if (ended.side === 'left') await manager.end(connection, "the client's network namespace has ended");
      else if (ended.side === 'right')
        await this.#down(connection, "the endpoint's network namespace has ended");
    } catch (error) {
      log.error(
        { conn: connection.id, error: String(error) },
        'A connection that lost its wire cannot be closed',
      );
    }
  }

  /** DOWN is told once; then the grace runs. */
  async #down(connection: Held, why: string): Promise<void> {
    const { book, clock, graceMs } = this.#parts;
    await inTurn(connection, () => {
      if (connection.gone || connection.state === 'down' || connection.state === 'closing' || this.#closed)
        return Promise.resolve();
      connection.state = 'down';
      book.announce('down', connection, why);
      book.publish('update', connection);
      this.#forget(connection);
      this.#timers.set(
        connection,
        clock.after(graceMs, () => {
          this.#timers.delete(connection);
          void this.#reselect(connection);
        }),
      );
      return Promise.resolve();
    });
  }

  async #try(connection: Held, endpoint: 'same' | 'any', why: string): Promise<boolean> {
    try {
      await this.#parts.manager.askAgain(connection, { why, endpoint });
      return true;
    } catch {
      return false; // announced by the chain; the grace goes on
    }
  }

  async #reselect(connection: Held): Promise<void> {
    const { manager, log } = this.#parts;
    if (connection.gone || connection.state !== 'down') return;
    connection.state = 'healing';
    if (await this.#try(connection, 'any', 'its endpoint has not come back')) return;
    try {
      await manager.end(connection, 'its endpoint has not come back and no other one serves it');
    } catch (error) {
      log.error(
        { conn: connection.id, error: String(error) },
        'A connection without endpoint cannot be closed',
      );
    }
  }
}
