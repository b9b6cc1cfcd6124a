import { closeSync, constants, fstatSync, openSync, statfsSync } from 'node:fs';
import type { FileIdentity } from '../file-identity.ts';
import { Failure } from '../features/failure.ts';

const nsfs = 0x6e736673;
const own = '/proc/thread-self/ns/net';

/** An open namespace; the caller closes the descriptor. */
export interface OpenNetns extends FileIdentity {
  readonly fd: number;
}

/**
 * A network namespace that is opened for each call that passes it: a descriptor that is kept keeps a dead pod's
 * devices alive. Only one that was given as a descriptor is, because nothing else leads to it.
 */
export class Netns {
  readonly #path: string;
  #kept: number | null = null;

  /** The path of a namespace's file, a descriptor that stays the caller's, or null: the one of this process. */
  constructor(netns: string | number | null) {
    if (typeof netns === 'number') {
      this.#kept = open(`/proc/self/fd/${netns}`, String(netns));
      this.#path = `/proc/self/fd/${this.#kept}`;
    } else this.#path = netns ?? own;
  }

  get isOwn(): boolean {
    return this.#path === own;
  }

  /** Throws Failure. */
  open(): OpenNetns {
    const fd = open(this.#path, this.#path);
    const { dev, ino } = fstatSync(fd);
    return { fd, dev, inode: ino };
  }

  /** Harmless when repeated. */
  close(): void {
    if (this.#kept !== null) closeSync(this.#kept);
    this.#kept = null;
  }
}

function open(path: string, value: string): number {
  const refuse = (problem: string, cause: unknown = null): Failure =>
    new Failure('invalid', `netns is '${value}': ${problem}`, {
      field: 'netns',
      value,
      allowed: "the path of a network namespace's file, such as /run/netns/NAME, or an open descriptor of it",
      cause,
    });
  try {
    // Looked at first: to open a FIFO waits, and to open a device may do things.
    const { type } = statfsSync(path);
    if (type !== nsfs) throw refuse('it is no namespace');
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw refuse((error as Error).message, error);
  }
}
