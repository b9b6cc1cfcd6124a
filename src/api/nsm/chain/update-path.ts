import type { ConnectionBook } from '../connections/book.ts';
import { connectionOf } from '../connections/record.ts';
import { advance, restore, type Advanced } from '../path.ts';
import type { Connection, Mechanism } from '../proto/connection_pb.ts';
import { type Authority, mechanismsOf } from './authority.ts';
import { freshId, isOwnId } from './begin.ts';
import type { Attempt, Element } from './element.ts';

/**
 * NSM's updatepath: everything below sees this process's own segment and id, the caller its own again. A client
 * that never heard the answer to its first request asks without our segment: it gets the connection it has.
 */
export function updatePath(name: string, book: ConnectionBook, authority: Authority): Element {
  async function had(asked: Connection, preferences: Mechanism[], at: Attempt): Promise<string | null> {
    const { index, pathSegments } = asked.path ?? { index: 0, pathSegments: [] };
    const [caller, own] = pathSegments;
    if (!caller || index !== 0 || own?.name === name) return null;
    const known = book.byClient(caller.name, caller.id);
    if (!known?.record.leftNetns) return null;
    const said = { mechanisms: mechanismsOf(asked, preferences), signal: at.signal };
    return (await authority.mayChange(at.askedBy, known, said)) ? known.id : null;
  }

  async function moved(
    connection: Connection,
    at: Attempt,
    preferences: Mechanism[] = [],
  ): Promise<Advanced> {
    const known = await had(connection, preferences, at);
    const advanced = advance(connection, name, () => known ?? freshId());
    // Rule "a known segment keeps its id" takes the id from the caller, and it names files and wires here.
    if (!isOwnId(advanced.connection.id)) {
      const id = freshId();
      advanced.connection.id = id;
      const own = advanced.connection.path?.pathSegments[advanced.index];
      if (own) own.id = id;
    }
    return advanced;
  }

  return {
    name: 'updatepath',
    async request(request, at, next) {
      const advanced = await moved(connectionOf(request), at, request.mechanismPreferences);
      return restore(await next({ ...request, connection: advanced.connection }), advanced);
    },
    async close(connection, at, next) {
      await next((await moved(connection, at)).connection);
    },
  };
}
