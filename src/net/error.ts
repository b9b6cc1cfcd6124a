import { constants } from 'node:os';
import { errno, strerror } from './libc.ts';

// Numbers Node has no name for, and those with two names where Node's order would pick the wrong one.
const names = new Map<number, string>([
  ...Object.entries(constants.errno).map(([name, number]): [number, string] => [number, name]),
  [11, 'EAGAIN'],
  [76, 'ENOTUNIQ'],
  [77, 'EBADFD'],
  [95, 'EOPNOTSUPP'],
  [96, 'EPFNOSUPPORT'],
  [108, 'ESHUTDOWN'],
  [109, 'ETOOMANYREFS'],
  [524, 'ENOTSUPP'],
]);

export function errnoName(number: number): string {
  return names.get(number) ?? `errno ${number}`;
}

function errnoText(number: number): string {
  const name = errnoName(number);
  // 524 is the kernel's own and unknown to libc.
  return number === 524
    ? `${name} (Operation is not supported)`
    : `${name} (${strerror(number) ?? 'unknown'})`;
}

/**
 * What the kernel refused: `op` is a verb phrase ("Create veth"), `object` what it was about.
 * `hint` names a missing kernel feature and the first version that has it, where that is known.
 */
export class NetError extends Error {
  override readonly name: string = 'NetError';
  readonly op: string;
  readonly object: string;
  readonly errno: number;
  /** errno's name, "EEXIST". */
  readonly code: string;

  constructor(op: string, object: string, number: number, details: readonly (string | null)[] = []) {
    const tail = details.filter((detail) => detail !== null).map((detail) => `: ${detail}`);
    super(`${op} '${object}' failed: ${errnoText(number)}${tail.join('')}`);
    this.op = op;
    this.object = object;
    this.errno = number;
    this.code = errnoName(number);
  }
}

/** A NetError of a netlink request; `extack` is the kernel's own sentence, if it gave one. */
export class NetlinkError extends NetError {
  override readonly name = 'NetlinkError';
  readonly extack: string | null;

  constructor(op: string, object: string, number: number, extack: string | null, hint: string | null = null) {
    super(op, object, number, [extack, hint]);
    this.extack = extack;
  }
}

/** Bytes that are not what the protocol says. Decoding throws this and nothing else. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

/** A handle used after close(). */
export class ClosedError extends Error {
  override readonly name = 'ClosedError';

  constructor(handle: string, op: string) {
    super(`${op}: the ${handle} is closed`);
  }
}

/** What was waited for did not come before `signal` aborted, whose reason is the cause. */
export class AbortError extends Error {
  override readonly name = 'AbortError';
  readonly code = 'ABORT_ERR';

  constructor(message: string, signal: AbortSignal) {
    super(message, { cause: signal.reason });
  }
}

/** Passes a result on, or throws with the errno of the call that has just returned it. */
export function check<T extends number | bigint>(result: T, op: string, object: string): T {
  if (result < 0) throw new NetError(op, object, errno());
  return result;
}
