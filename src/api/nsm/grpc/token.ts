import type { Metadata } from '@grpc/grpc-js';
import { Failure } from '../../../features/failure.ts';

/** What a process shows to the next one on the path. */
export interface Token {
  /** JWT, never logged; null where only the end is given. */
  token: string | null;
  expires: Date;
}

const tokenKey = 'nsm-client-token';
const expiresKey = 'nsm-client-token-expires';

/** RFC 3339; the fraction may have nanoseconds, of which a Date keeps milliseconds. */
const timestamp = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

function instantOf(text: string): Date {
  const [, day, time, fraction = '', zone] = timestamp.exec(text) ?? [];
  if (day !== undefined && time !== undefined && zone !== undefined) {
    const instant = new Date(`${day}T${time}${fraction.slice(0, 4)}${zone.toUpperCase()}`);
    if (!Number.isNaN(instant.getTime())) return instant;
  }
  throw new Failure('invalid', `Metadata '${expiresKey}' is '${text}': allowed is a time of RFC 3339`, {
    field: expiresKey,
    value: text,
    allowed: 'a time of RFC 3339, such as 2026-01-02T03:04:05.678901234Z',
  });
}

function only(metadata: Metadata, key: string): string | null {
  const [value, ...more] = metadata.get(key);
  if (more.length > 0)
    throw new Failure('invalid', `Metadata '${key}' is given ${more.length + 1} times: allowed is once`, {
      field: key,
      allowed: 'once',
    });
  return value === undefined ? null : String(value);
}

/** Null where the caller shows none. Throws Failure of what is no token; whether it is a true one is not judged. */
export function tokenOf(metadata: Metadata): Token | null {
  const token = only(metadata, tokenKey);
  const expires = only(metadata, expiresKey);
  if (expires !== null) return { token, expires: instantOf(expires) };
  if (token === null) return null;
  throw new Failure('invalid', `Metadata '${tokenKey}' comes without '${expiresKey}': a token has an end`, {
    field: expiresKey,
    allowed: 'a time of RFC 3339',
  });
}

export function showToken({ token, expires }: Token, metadata: Metadata): void {
  if (token !== null) metadata.set(tokenKey, token);
  metadata.set(expiresKey, expires.toISOString());
}
