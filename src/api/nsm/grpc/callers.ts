import { Failure } from '../../../features/failure.ts';
import type { Caller } from './services.ts';

/** What a caller can have too much of. */
export type Kind = 'connections' | 'calls' | 'streams';

/**
 * Who shares one allowance: a container, or a user of the node, as connections are counted; over tcp a machine.
 * Null for root on the node itself, who may have all there is.
 */
function nameOf(caller: Caller): string | null {
  if (caller.kind === 'tcp') return `address ${caller.address.slice(0, caller.address.lastIndexOf(':'))}`;
  const { inOwnNamespaces, uid, origin } = caller.peer;
  return inOwnNamespaces && uid === 0 ? null : origin;
}

export interface KnownCaller {
  caller: Caller;
  /** Whose calls are counted together with its own; null: nobody's. */
  name: string | null;
}

export const known = (caller: Caller): KnownCaller => ({ caller, name: nameOf(caller) });

/** For the log. */
export const callerText = (caller: Caller): string =>
  caller.kind === 'tcp' ? caller.address : `pid ${caller.peer.pid}, uid ${caller.peer.uid}`;

/** What every caller has at a time. */
export class Callers {
  readonly #limits: Readonly<Record<Kind, number>>;
  /** Of root too, for whom there is no limit. */
  readonly #counts: Readonly<Record<Kind, Map<string | null, number>>> = {
    connections: new Map(),
    calls: new Map(),
    streams: new Map(),
  };

  constructor(limits: Readonly<Record<Kind, number>>) {
    this.#limits = limits;
  }

  /** Counts one more until the returned function is called, which may be repeated. Throws Failure. */
  enter(name: string | null, kind: Kind): () => void {
    const counts = this.#counts[kind];
    const count = counts.get(name) ?? 0;
    const limit = this.#limits[kind];
    if (name !== null && count >= limit)
      throw new Failure('exhausted', `Too many ${kind} at a time: ${name} has ${count}, which is the limit`, {
        value: String(count),
        allowed: `at most ${limit} ${kind} of one caller`,
      });
    counts.set(name, count + 1);
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      const left = (counts.get(name) ?? 1) - 1;
      if (left === 0) counts.delete(name);
      else counts.set(name, left);
    };
  }

  /** Of every caller. */
  open(kind: Kind): number {
    let sum = 0;
    for (const count of this.#counts[kind].values()) sum += count;
    return sum;
  }
}
