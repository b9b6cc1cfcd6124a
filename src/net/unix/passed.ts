import { statSync } from 'node:fs';
import type { FileIdentity } from '../../file-identity.ts';
import { check } from '../error.ts';
import { closeAsync, fcntl, setsockopt } from '../libc.ts';
import { closeFd } from '../transport.ts';
import { S_IFSOCK, statusOf } from './status.ts';

const F_GETFL = 3;
const F_DUPFD_CLOEXEC = 1030;
const O_PATH = 0o10000000;
const SOL_SOCKET = 1;
const SO_LINGER = 13;

/** The caller closes it. Never one of 0 to 2, which libraries take for terminals. */
export function duplicate(fd: number, what: string): number {
  return check(fcntl(fd, F_DUPFD_CLOEXEC, 3), 'Duplicate', what);
}

/** Opened with O_PATH. */
const isPath = (fd: number): boolean => (fcntl(fd, F_GETFL, 0) & O_PATH) !== 0;

let nsfs: number | null = null;

/** A descriptor somebody else made: nothing may be asked of it that its file system answers when it likes. */
export class Passed implements FileIdentity {
  readonly dev: number;
  readonly inode: number;
  readonly #fd: number;
  readonly #type: number;

  private constructor(fd: number, dev: number, inode: number, type: number) {
    this.#fd = fd;
    this.dev = dev;
    this.inode = inode;
    this.#type = type;
  }

  /** Takes the descriptor over. Device and inode are -1, which no file has, if it cannot be told. */
  static adopt(fd: number): Passed {
    const status = statusOf(fd);
    return status === null
      ? new Passed(fd, -1, -1, 0)
      : new Passed(fd, status.dev, status.inode, status.type);
  }

  get identified(): boolean {
    return this.dev >= 0;
  }

  /** The file of a socket, to connect to; not a socket itself, connected or not. */
  get isSocketFile(): boolean {
    return this.#type === S_IFSOCK && isPath(this.#fd);
  }

  /** Of any type. */
  get isNamespace(): boolean {
    nsfs ??= statSync('/proc/self/ns/net').dev;
    return this.dev === nsfs;
  }

  duplicate(): number {
    return duplicate(this.#fd, `descriptor of file inode://${this.dev}/${this.inode}`);
  }

  /**
   * Whether close(2) may wait: a file system is told of it (FUSE's answers when it likes), and a socket may
   * hold others in its queue. A namespace and an O_PATH descriptor are only let go of.
   */
  get closesSlowly(): boolean {
    return !this.isNamespace && !isPath(this.#fd);
  }

  /** Once; this or `closeAsync`. */
  close(): void {
    closeFd(this.#fd);
  }

  /** On a pool thread. */
  async closeAsync(): Promise<void> {
    // The last close of a socket waits for as long as its maker said, unless it is told not to.
    if (this.#type === S_IFSOCK) setsockopt(this.#fd, SOL_SOCKET, SO_LINGER, Buffer.alloc(8), 8);
    await closeAsync(this.#fd);
  }
}
