import { statSync } from 'node:fs';
import { check } from '../error.ts';
import { closeAsync, fcntl, setsockopt, statx } from '../libc.ts';
import type { NetnsIdentity } from '../netns.ts';
import { closeFd } from '../transport.ts';

const F_GETFL = 3;
const F_DUPFD_CLOEXEC = 1030;
const O_PATH = 0o10000000;
const SOL_SOCKET = 1;
const SO_LINGER = 13;

const AT_EMPTY_PATH = 0x1000;
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_TYPE_AND_INO = 0x101;
const STATX_SIZE = 256;
const S_IFMT = 0o170000;
const S_IFSOCK = 0o140000;

/** The caller closes it. Never one of 0 to 2, which libraries take for terminals. */
export function duplicate(fd: number, what: string): number {
  return check(fcntl(fd, F_DUPFD_CLOEXEC, 3), 'Duplicate', what);
}

/** glibc's makedev, which is what st_dev holds and what peers write into their messages. */
function device(major: number, minor: number): number {
  const low = ((major & 0xfff) << 8) | (minor & 0xff) | ((minor & 0xfff00) << 12);
  return (low >>> 0) + ((major & 0xfffff000) >>> 0) * 2 ** 32;
}

let nsfs: number | null = null;

/** A descriptor somebody else made: nothing may be asked of it that its file system answers when it likes. */
export class Passed implements NetnsIdentity {
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
    const status = Buffer.alloc(STATX_SIZE);
    // Without DONT_SYNC a FUSE or network file system is asked, and answers or not.
    if (statx(fd, '', AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE_AND_INO, status) < 0)
      return new Passed(fd, -1, -1, 0);
    const dev = device(status.readUInt32LE(136), status.readUInt32LE(140));
    return new Passed(fd, dev, Number(status.readBigUInt64LE(32)), status.readUInt16LE(28) & S_IFMT);
  }

  get identified(): boolean {
    return this.dev >= 0;
  }

  duplicate(): number {
    return duplicate(this.#fd, `descriptor of file inode://${this.dev}/${this.inode}`);
  }

  /**
   * Whether close(2) may wait: a file system is told of it (FUSE's answers when it likes), and a socket may
   * hold others in its queue. A namespace and an O_PATH descriptor are only let go of.
   */
  get closesSlowly(): boolean {
    nsfs ??= statSync('/proc/self/ns/net').dev;
    return this.dev !== nsfs && (fcntl(this.#fd, F_GETFL, 0) & O_PATH) === 0;
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
