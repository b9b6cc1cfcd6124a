import { clone, create } from '@bufbuild/protobuf';
import type { Authority } from './chain/authority.ts';
import type { ConnectionBook, Published } from './connections/book.ts';
import type { Held } from './connections/held.ts';
import type { Call } from './grpc/services.ts';
import { StreamQueue } from './grpc/stream-queue.ts';
import {
  ConnectionEventSchema,
  ConnectionEventType,
  ConnectionSchema,
  State,
  type Connection,
  type ConnectionEvent,
  type MonitorScopeSelector,
  type PathSegment,
} from './proto/connection_pb.ts';

const fits = (wanted: PathSegment, { name, id, token }: PathSegment): boolean =>
  (wanted.name === '' || wanted.name === name) &&
  (wanted.id === '' || wanted.id === id) &&
  (wanted.token === '' || wanted.token === token);

/** NSM's filter: the selector's segments stand in a row somewhere in the path. */
export function selects(
  { pathSegments, networkServices }: MonitorScopeSelector,
  connection: Connection,
): boolean {
  if (networkServices.length > 0 && !networkServices.includes(connection.networkService)) return false;
  if (pathSegments.length === 0) return true;
  const path = connection.path?.pathSegments ?? [];
  return path.some((_, start) =>
    pathSegments.every((wanted, index) => {
      const segment = path[start + index];
      return segment !== undefined && fits(wanted, segment);
    }),
  );
}

// Made once for however many watch: a copy for each who does not read is what fills the memory.
const copies = new WeakMap<Connection, Connection>();
const updates = new WeakMap<Connection, ConnectionEvent>();
const deletions = new WeakMap<Connection, ConnectionEvent>();

/** What may be shown: without the tokens of others. */
function shown({ established, state }: Held): Connection | null {
  if (!established) return null;
  const { reply } = established;
  const shownState = state === 'down' || state === 'healing' ? State.DOWN : reply.state;
  const before = copies.get(reply);
  if (before?.state === shownState) return before;
  const connection = clone(ConnectionSchema, reply);
  connection.state = shownState;
  for (const segment of connection.path?.pathSegments ?? []) segment.token = '';
  copies.set(reply, connection);
  return connection;
}

const event = (type: ConnectionEventType, connections: Connection[]): ConnectionEvent =>
  create(ConnectionEventSchema, {
    type,
    connections: Object.fromEntries(connections.map((connection) => [connection.id, connection])),
  });

function change(type: Published['type'], connection: Connection): ConnectionEvent {
  const of = type === 'delete' ? deletions : updates;
  const before = of.get(connection);
  if (before) return before;
  const made = event(type === 'delete' ? ConnectionEventType.DELETE : ConnectionEventType.UPDATE, [
    connection,
  ]);
  of.set(connection, made);
  return made;
}

/**
 * MonitorConnections: first all that stands, which may be nothing, then every change, until the caller ends it. A
 * caller sees the connections of the namespaces it may act for.
 */
export function monitorConnections(
  selector: MonitorScopeSelector,
  { caller, signal }: Pick<Call, 'caller' | 'signal'>,
  book: ConnectionBook,
  authority: Authority,
): AsyncIterable<ConnectionEvent> {
  const taken = (connection: Held): Connection | null => {
    if (!connection.established || !selects(selector, connection.established.reply)) return null;
    return authority.maySee(caller, connection) ? shown(connection) : null;
  };
  let unwatch = (): void => undefined;
  const queue = new StreamQueue<ConnectionEvent>({
    signal,
    onEnd: () => {
      unwatch();
    },
  });
  queue.push(
    event(
      ConnectionEventType.INITIAL_STATE_TRANSFER,
      book
        .all()
        .map(taken)
        .filter((connection) => connection !== null),
    ),
  );
  unwatch = book.watch(({ type, connection }) => {
    const told = taken(connection);
    if (told) queue.push(change(type, told));
  });
  if (signal.aborted) unwatch();
  return queue;
}
