import { randomUUID } from 'node:crypto';
import { Failure } from '../../../features/failure.ts';
import type { Clock } from '../../../state/clock.ts';
import type { ConnectionBook } from '../connections/book.ts';
import { inTurn, type Held } from '../connections/held.ts';
import { connectionOf, firstRecord } from '../connections/record.ts';
import { State } from '../proto/connection_pb.ts';
import type { Attempt, Element } from './element.ts';

/** What a message may call a connection of ours: it becomes a file name and the name of a wire. */
const ownId = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export const isOwnId = (id: string): boolean => ownId.test(id);
export const freshId = (): string => randomUUID();

function stillWanted({ signal }: Attempt): void {
  if (signal.aborted)
    throw new Failure(
      'timeout',
      'The caller has gone, or its deadline has passed, before anything was done',
      {
        cause: signal.reason,
      },
    );
}

/**
 * One after the other per connection, and the only place where a connection begins and ends: a first request
 * that fails is undone, a later one that fails leaves what stood. Closing takes everything down in reverse.
 */
export function begin(book: ConnectionBook, clock: Clock): Element {
  /**
   * The connection of this id, when its turn has come; one that has ended meanwhile begins anew, and one that could
   * not be closed is closed first.
   */
  async function turnOf<T>(id: string, enter: () => Held, act: (held: Held) => Promise<T>): Promise<T> {
    for (;;) {
      const connection = book.get(id) ?? enter();
      const outcome = await inTurn(connection, async () => {
        if (connection.gone) return null;
        if (connection.state !== 'closing') return { done: await act(connection) };
        await endConnection(book, connection, 'it was being closed when it was asked for again');
        return null;
      });
      if (outcome) return outcome.done;
    }
  }

  async function undone(connection: Held, why: unknown): Promise<never> {
    book.closing(connection);
    try {
      await connection.scope.close();
    } catch (failure) {
      throw new Error(`${String(why)}; undoing it failed too: ${String(failure)}`, { cause: failure });
    } finally {
      book.drop(connection);
    }
    // Whoever watches may have been told of it before its caller could be.
    if (connection.established) book.publish('delete', connection);
    throw why;
  }

  return {
    name: 'begin',
    request(request, at, next) {
      const asked = connectionOf(request);
      const enter = (): Held => {
        // Nobody but a client begins one: this one has been closed before its turn came.
        if (at.askedBy.kind === 'self')
          throw new Failure('not_found', `Connection '${asked.id}' has ended`, {
            field: 'connection.id',
            value: asked.id,
          });
        return book.enter(firstRecord(request, clock.now()));
      };
      return turnOf(asked.id, enter, async (connection) => {
        at.held = connection;
        const first = connection.established === null;
        try {
          stillWanted(at);
          const reply = await next(request);
          reply.state = State.UP;
          // Who has gone before it could be told does not know what it has; asking again begins anew.
          if (first) stillWanted(at);
          return reply;
        } catch (error) {
          if (connection.gone) throw error;
          if (first) {
            book.announce('failed', connection, (error as Error).message);
            return await undone(connection, error);
          }
          book.recharge(connection);
          book.announce('failed', connection, (error as Error).message);
          throw error;
        }
      });
    },
    async close(connection, at, next) {
      const known = book.get(connection.id);
      if (!known) return; // NSM: closing what is not there is success
      await inTurn(known, async () => {
        if (known.gone) return;
        at.held = known;
        await next(connection);
        await endConnection(book, known, 'asked for');
      });
    },
  };
}

/** Takes a connection down; within its turn. What cannot be released keeps it, to be closed again. */
export async function endConnection(
  book: ConnectionBook,
  connection: Held,
  why: string,
  type: 'closed' | 'expired' = 'closed',
): Promise<void> {
  book.closing(connection);
  try {
    await connection.scope.close();
  } catch (error) {
    book.announce('failed', connection, (error as Error).message);
    throw error;
  }
  book.drop(connection);
  book.announce(type, connection, why);
  book.publish('delete', connection);
}
