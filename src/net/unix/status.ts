import { statx } from '../libc.ts';

const AT_EMPTY_PATH = 0x1000;
const AT_STATX_DONT_SYNC = 0x4000;
/** Type, mode, owner, group and inode number. */
const STATX_WANTED = 0x1 | 0x2 | 0x8 | 0x10 | 0x100;
const STATX_SIZE = 256;

const S_IFMT = 0o170000;
export const S_IFLNK = 0o120000;
export const S_IFDIR = 0o040000;
export const S_IFSOCK = 0o140000;

export interface FileStatus {
  /** As st_dev has it, which is what peers write into their messages. */
  readonly dev: number;
  readonly inode: number;
  /** S_IFSOCK and its like. */
  readonly type: number;
  /** The permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** glibc's makedev. */
function device(major: number, minor: number): number {
  const low = ((major & 0xfff) << 8) | (minor & 0xff) | ((minor & 0xfff00) << 12);
  return (low >>> 0) + ((major & 0xfffff000) >>> 0) * 2 ** 32;
}

/**
 * What a descriptor is of, as far as the kernel knows by itself: a FUSE or network file system that is asked
 * answers when it likes, or never. Null if the kernel does not know.
 */
export function statusOf(fd: number): FileStatus | null {
  const status = Buffer.alloc(STATX_SIZE);
  if (statx(fd, '', AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_WANTED, status) < 0) return null;
  const mode = status.readUInt16LE(28);
  return {
    dev: device(status.readUInt32LE(136), status.readUInt32LE(140)),
    inode: Number(status.readBigUInt64LE(32)),
    type: mode & S_IFMT,
    mode: mode & 0o7777,
    uid: status.readUInt32LE(20),
    gid: status.readUInt32LE(24),
  };
}
