import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { type FileIdentity, sameFile } from '../../file-identity.ts';
import { ioctl } from '../libc.ts';

// <linux/nsfs.h>
const NS_GET_PARENT = 0xb702n;
const NS_GET_OWNER_UID = 0xb704n;
/** MAX_PID_NS_LEVEL and the depth of user namespaces, both 32. */
const DEPTH = 32;

type Kind = 'pid' | 'user';

const identityOf = ({ dev, ino }: { dev: number; ino: number }): FileIdentity => ({ dev, inode: ino });

/**
 * The namespace just below our own in which the process's is, open; null if it is our own. A process makes
 * namespaces below its own as it likes, but none beside it, so this is what it cannot change about itself.
 */
function topBelowOwn(pid: number, kind: Kind): number | null {
  const own = identityOf(statSync(`/proc/self/ns/${kind}`));
  let fd = openSync(`/proc/${pid}/ns/${kind}`, constants.O_RDONLY);
  if (sameFile(identityOf(fstatSync(fd)), own)) {
    closeSync(fd);
    return null;
  }
  for (let i = 0; i < DEPTH; i++) {
    const parent = ioctl(fd, NS_GET_PARENT, null);
    // None above it that we may see: it is not below our own at all.
    if (parent < 0) return fd;
    if (sameFile(identityOf(fstatSync(parent)), own)) {
      closeSync(parent);
      return fd;
    }
    closeSync(fd);
    fd = parent;
  }
  return fd;
}

function within<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function ownerOf(fd: number): number {
  const uid = Buffer.alloc(4);
  // Without an answer all whose owner is unknown count together.
  return ioctl(fd, NS_GET_OWNER_UID, uid) < 0 ? -1 : uid.readUInt32LE(0);
}

/**
 * Whom a process belongs to when connections are counted: its container, that is the topmost pid namespace
 * it is in below our own; in our own pid namespace its user, or whoever made its user namespace. Network
 * namespaces are no measure: whoever may make one user namespace makes as many of those as it likes.
 * Throws if the process is gone or may not be looked at.
 */
export function originOf(pid: number, uid: number): string {
  const container = topBelowOwn(pid, 'pid');
  if (container !== null) return within(container, (fd) => `container pid:[${fstatSync(fd).ino}]`);
  const users = topBelowOwn(pid, 'user');
  return `user ${users === null ? uid : within(users, ownerOf)}`;
}
