import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import type { Clock } from '../../../state/clock.ts';
import { connectionOf } from '../connections/record.ts';
import type { Connection, PathSegment } from '../proto/connection_pb.ts';
import type { Attempt, Element } from './element.ts';

/**
 * How long this process vouches for a connection before it wants to be asked again. NSM's clients take the
 * shortest life in the path and ask again after a fifth of it; without one they ask in a tight loop.
 */
export const OWN_LIFE_MS = 600_000;

export const callerSegment = ({ path }: Connection): PathSegment | null =>
  path ? (path.pathSegments[Math.max(0, path.index - 1)] ?? null) : null;

/** NSM's updatetoken: who called says until when it stands for the connection, and so do we. */
export function updateToken(clock: Clock): Element {
  const stamp = (connection: Connection, at: Attempt): void => {
    if (at.askedBy.kind === 'self') return;
    const caller = callerSegment(connection);
    if (caller && at.token) {
      caller.token = at.token.token ?? '';
      caller.expires = timestampFromMs(at.token.expires.getTime());
    }
    const own = connection.path?.pathSegments[connection.path.index];
    if (own) {
      own.token = '';
      own.expires = timestampFromMs(clock.now() + OWN_LIFE_MS);
    }
  };
  return {
    name: 'updatetoken',
    request(request, at, next) {
      stamp(connectionOf(request), at);
      return next(request);
    },
    async close(connection, at, next) {
      stamp(connection, at);
      await next(connection);
    },
  };
}

/** Milliseconds since the epoch at which the caller stops standing for the connection; null is never. */
export function callerExpiry(connection: Connection): number | null {
  const expires = callerSegment(connection)?.expires;
  return expires ? timestampMs(expires) : null;
}
