import { clone, create } from '@bufbuild/protobuf';
import { randomUUID } from 'node:crypto';
import { Failure } from '../../features/failure.ts';
import { maxPathSegments } from './limits.ts';
import { type Connection, ConnectionSchema, PathSchema, PathSegmentSchema } from './proto/connection_pb.ts';

/** A connection as one process sees it, and what it needs to give the caller's view back. */
export interface Advanced {
  /** A copy; its index and id are this process's own. */
  readonly connection: Connection;
  /** This process's place in the path. */
  readonly index: number;
  /** The caller's: the one before, or the same where this process made the path or comes by again. */
  readonly callerIndex: number;
}

/**
 * NSM's updatepath on the way in, for servers and clients alike. `name` is this process's. The segment after
 * the caller's becomes its own: appended, kept on a refresh, or taken over with a new id from a process that
 * the path no longer leads through. Throws Failure where the path does not fit the connection.
 */
export function advance(connection: Connection, name: string, newId: () => string = randomUUID): Advanced {
  const own = clone(ConnectionSchema, connection);
  const path = own.path ?? create(PathSchema);
  const segments = path.pathSegments;
  own.path = path;
  if (segments.length > maxPathSegments)
    throw refusal(
      `The path has ${segments.length} segments`,
      String(segments.length),
      `at most ${maxPathSegments} segments`,
    );
  if (segments.length === 0) {
    own.id = own.id === '' ? newId() : own.id;
    path.index = 0;
    segments.push(create(PathSegmentSchema, { name, id: own.id }));
    return { connection: own, index: 0, callerIndex: 0 };
  }
  const callerIndex = path.index;
  const current = segments[callerIndex];
  if (current === undefined)
    throw refusal(
      `The path's index is ${callerIndex}, but it has ${segments.length} segments`,
      String(callerIndex),
      `an index from 0 to ${segments.length - 1}`,
    );
  if (current.id === '')
    throw refusal(
      `Segment ${callerIndex} of the path has no id`,
      '',
      'the id its process gave the connection',
    );
  if (current.name === name) {
    own.id = current.id;
    return { connection: own, index: callerIndex, callerIndex };
  }
  if (current.id !== own.id)
    throw refusal(
      `The connection's id '${own.id}' is not '${current.id}', the id of segment ${callerIndex} of its path`,
      own.id,
      `'${current.id}'`,
    );
  const index = callerIndex + 1;
  const next = segments[index];
  if (next?.name === name && next.id !== '') own.id = next.id;
  else {
    // What another process left there (token, expiry, metrics) is not this one's.
    own.id = newId();
    segments[index] = create(PathSegmentSchema, { name, id: own.id });
  }
  path.index = index;
  return { connection: own, index, callerIndex };
}

/**
 * Updatepath on the way back: the answer as the caller sees it, a copy. What the answer says of its own index and
 * id is not needed. Throws Failure where the segments up to this process's own are not those that were sent.
 */
export function restore(answer: Connection, { connection, index, callerIndex }: Advanced): Connection {
  const sent = connection.path?.pathSegments ?? [];
  const back = clone(ConnectionSchema, answer);
  const segments = back.path?.pathSegments ?? [];
  for (const [i, { name, id }] of sent.slice(0, index + 1).entries()) {
    const found = segments[i];
    if (found?.name === name && found.id === id) continue;
    const what = found === undefined ? 'nothing' : `'${found.name}' with id '${found.id}'`;
    throw new Failure(
      'failed',
      `The answer to connection '${connection.id}' has ${what} at segment ${i} of its path, where '${name}' with id '${id}' was sent`,
      { field: 'connection.path' },
    );
  }
  back.path ??= create(PathSchema);
  back.path.index = callerIndex;
  back.id = sent[callerIndex]?.id ?? connection.id;
  return back;
}

const refusal = (problem: string, value: string, allowed: string): Failure =>
  new Failure('invalid', `${problem}: allowed is ${allowed}`, { field: 'path', value, allowed });
