import { Failure } from '../../../features/failure.ts';
import { type FileIdentity, sameFile } from '../../../file-identity.ts';
import type { UnixStream } from '../../../net/unix/stream.ts';
import type { Held } from '../connections/held.ts';
import { parseInodeUrl } from '../inode-url.ts';
import type { Connection, Mechanism } from '../proto/connection_pb.ts';
import type { AskedBy } from './element.ts';
import { showsNetns } from './passed-netns.ts';

/** How a call names namespaces, and until when what comes with it is waited for. */
export interface Said {
  readonly mechanisms: readonly Mechanism[];
  readonly signal: AbortSignal;
}

/** Of a request all that it would take, of a connection the one it has. */
export const mechanismsOf = (connection: Connection, preferences: readonly Mechanism[] = []): Mechanism[] =>
  connection.mechanism ? [connection.mechanism] : [...preferences];

/**
 * Whom the agent believes. A caller may speak for the namespace it is in, and for one whose descriptor it
 * passes, since it could do there what it likes anyway. Others may be named only by root in the agent's own pid
 * and user namespaces, and by the users that the agent was told to trust: uid 0 of a pod is nobody here.
 */
export class Authority {
  readonly #trusted: ReadonlySet<number>;
  /** Who proved so when it asked for a connection, which is forgotten with the connection: inodes are reused. */
  readonly #proven = new WeakMap<UnixStream, WeakSet<Held>>();

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
  mayActFor(askedBy: AskedBy, netns: FileIdentity): boolean {
    if (this.isTrusted(askedBy)) return true;
    const own = askedBy.kind === 'unix' ? askedBy.peer.currentNetns() : null;
    return own !== null && sameFile(own, netns);
  }

  /** The caller was let ask for this connection: what it does with it on the same socket needs no other proof. */
  remember(askedBy: AskedBy, connection: Held): void {
    if (askedBy.kind !== 'unix') return;
    const known = this.#proven.get(askedBy.stream);
    if (known) known.add(connection);
    else this.#proven.set(askedBy.stream, new WeakSet([connection]));
  }

  /** Whether what a connection is may be shown to the caller. */
  maySee(askedBy: AskedBy, connection: Held): boolean {
    const { leftNetns, rightNetns } = connection.record;
    return (
      this.isTrusted(askedBy) ||
      this.#hasProven(askedBy, connection) ||
      [leftNetns, rightNetns].some((netns) => netns !== null && this.mayActFor(askedBy, netns))
    );
  }

  /** Whether the caller may ask again for a connection of this namespace, or end it. */
  async mayChange(askedBy: AskedBy, connection: Held, said: Said): Promise<boolean> {
    const { leftNetns } = connection.record;
    if (leftNetns === null) return this.isTrusted(askedBy);
    if (this.mayActFor(askedBy, leftNetns) || this.#hasProven(askedBy, connection)) return true;
    if (askedBy.kind !== 'unix') return false;
    // Only what is named is waited for.
    const isNamed = said.mechanisms.some(({ parameters: { inodeURL = '' } }) => {
      const named = parseInodeUrl(inodeURL);
      return named !== null && sameFile(named, leftNetns);
    });
    return isNamed && showsNetns(askedBy.stream, leftNetns, said.signal);
  }

  /** Refuses who may not, and does not tell more of the connection than its id. */
  async refuseOthers(askedBy: AskedBy, connection: Held, said: Said): Promise<void> {
    if (await this.mayChange(askedBy, connection, said)) return;
    const { id } = connection;
    throw new Failure('denied', `Connection '${id}' is another workload's: no sufficient privileges`, {
      field: 'connection.id',
      value: id,
      allowed: "a connection of the caller's own network namespace, or of one whose descriptor it passes",
    });
  }

  #hasProven(askedBy: AskedBy, connection: Held): boolean {
    return askedBy.kind === 'unix' && this.#proven.get(askedBy.stream)?.has(connection) === true;
  }
}
