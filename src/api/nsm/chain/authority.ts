import { Failure } from '../../../features/failure.ts';
import type { AskedBy } from './element.ts';

export interface NetnsIdentity {
  readonly dev: number;
  readonly inode: number;
}

export const sameNetns = (a: NetnsIdentity, b: NetnsIdentity): boolean =>
  a.dev === b.dev && a.inode === b.inode;

/**
 * Whom the agent believes. A caller may speak for the namespace it is in, and for one whose descriptor it
 * passes, since it could do there what it likes anyway. Others may be named only by root in the agent's own pid
 * and user namespaces, and by the users that the agent was told to trust: uid 0 of a pod is nobody here.
 */
export class Authority {
  readonly #trusted: ReadonlySet<number>;

  constructor(trustedUids: readonly number[]) {
    this.#trusted = new Set([0, ...trustedUids]);
  }

  isTrusted(askedBy: AskedBy): boolean {
    switch (askedBy.kind) {
      case 'self':
        return true;
      case 'tcp':
        return false;
      case 'unix':
        return askedBy.peer.inOwnNamespaces && this.#trusted.has(askedBy.peer.uid);
    }
  }

  /** Whether the caller is in this namespace now, or trusted. */
  mayActFor(askedBy: AskedBy, netns: NetnsIdentity): boolean {
    if (this.isTrusted(askedBy)) return true;
    const own = askedBy.kind === 'unix' ? askedBy.peer.currentNetns() : null;
    return own !== null && sameNetns(own, netns);
  }

  /** Refuses who may not act for the namespace, and does not tell more of the connection than its id. */
  mayChange(askedBy: AskedBy, netns: NetnsIdentity | null, id: string): void {
    if (netns === null ? this.isTrusted(askedBy) : this.mayActFor(askedBy, netns)) return;
    throw new Failure('denied', `Connection '${id}' is another workload's: no sufficient privileges`, {
      field: 'connection.id',
      value: id,
      allowed: "a connection of the caller's own network namespace",
    });
  }
}
