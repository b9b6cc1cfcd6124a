import type { ConnectionBook } from '../connections/book.ts';
import { connectionOf } from '../connections/record.ts';
import { advance, restore, type Advanced } from '../path.ts';
import type { Connection } from '../proto/connection_pb.ts';
import type { Authority } from './authority.ts';
import { freshId, isOwnId } from './begin.ts';
import type { Attempt, Element } from './element.ts';

/**
 * NSM's updatepath: everything below sees this process's own segment and id, the caller its own again. A client
 * that never heard the answer to its first request asks without our segment: it gets the connection it has.
 */
export function updatePath(name: string, book: ConnectionBook, authority: Authority): Element {
  const moved = (connection: Connection, at: Attempt): Advanced => {
    const caller = connection.path?.pathSegments[connection.path.index];
    const has = (): string | null => {
      if (!caller || connection.path?.index !== 0) return null;
      const known = book.byClient(caller.name, caller.id);
      const netns = known?.record.leftNetns ?? null;
      return known && netns && authority.mayActFor(at.askedBy, netns) ? known.id : null;
    };
    const advanced = advance(connection, name, () => has() ?? freshId());
    // Rule "a known segment keeps its id" takes the id from the caller, and it names files and wires here.
    if (!isOwnId(advanced.connection.id)) {
      const id = freshId();
      advanced.connection.id = id;
      const own = advanced.connection.path?.pathSegments[advanced.index];
      if (own) own.id = id;
    }
    return advanced;
  };
  return {
    name: 'updatepath',
    async request(request, at, next) {
      const advanced = moved(connectionOf(request), at);
      return restore(await next({ ...request, connection: advanced.connection }), advanced);
    },
    async close(connection, at, next) {
      await next(moved(connection, at).connection);
    },
  };
}
