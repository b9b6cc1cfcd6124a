import { constants, open, readFileSync, readlink, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { AbortError, NetError } from '../error.ts';
import { fcntl } from '../libc.ts';
import { closeFd } from '../transport.ts';
import { SYMLINKS } from './limits.ts';
import type { Peer } from './peer.ts';
import { S_IFDIR, S_IFLNK, S_IFSOCK, statusOf, type FileStatus } from './status.ts';

const F_GETFL = 3;
const O_PATH = 0o10000000;
const ESRCH = 3;
const ENOTDIR = 20;
const ELOOP = 40;
const ENOTSOCK = 88;

const openAsync = promisify(open);
const readlinkAsync = promisify(readlink);

/**
 * What a descriptor tells of a socket's file; null unless it is one, held by O_PATH as it can only be. A socket
 * itself, connected or not, is none: nobody can connect to it by its descriptor.
 */
export function socketFileOf(fd: number): FileStatus | null {
  const status = statusOf(fd);
  if (status?.type !== S_IFSOCK) return null;
  return (fcntl(fd, F_GETFL, 0) & O_PATH) === 0 ? null : status;
}

/** Whether a path means the same to the peer as here: same mount namespace, same root directory. */
export function seesOurFiles(peer: Peer): boolean {
  try {
    const [theirs, ours] = [`/proc/${peer.pid}`, '/proc/self'].map((process) =>
      [`${process}/ns/mnt`, `${process}/root/`].map((path) => {
        const { dev, ino } = statSync(path);
        return `${dev}:${ino}`;
      }),
    );
    return String(theirs) === String(ours) && peer.currentNetns() !== null;
  } catch {
    // Gone, hidden, or not ours to look at: then nothing is known to be the same.
    return false;
  }
}

/**
 * The socket's file at a path as the peer sees it, held by a descriptor of O_PATH that the caller closes. No link
 * on the way leads out of the peer's root directory. NetError, with ESRCH when the peer is gone or hidden; AbortError once
 * `signal` aborts.
 */
export function openSocketOf(peer: Peer, path: string, signal: AbortSignal): Promise<number> {
  const opened = oneByOne.then(async () => {
    if (signal.aborted) throw late(path, signal);
    const root = await openFile(`/proc/${peer.pid}/root`, constants.O_DIRECTORY, path);
    try {
      // Asked afterwards: alive now, the number was its own then.
      if (peer.currentNetns() === null)
        throw new NetError('Open root directory of', `process ${peer.pid}`, ESRCH);
      return await openSocketBelow(root, path);
    } finally {
      closeFd(root);
    }
  });
  oneByOne = opened.catch(() => undefined);
  return untilAborted(opened, path, signal);
}

// A hostile file system can hold up whoever walks through it: one pool thread at a time and no more.
let oneByOne: Promise<unknown> = Promise.resolve();

const late = (path: string, signal: AbortSignal): AbortError =>
  new AbortError(`Opening '${path}' was given up`, signal);

/** What is opened after all when nobody waits any more is closed. */
function untilAborted(opened: Promise<number>, path: string, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(late(path, signal));
    };
    signal.addEventListener('abort', abort);
    opened
      .then(
        (fd) => {
          if (signal.aborted) closeFd(fd);
          else resolve(fd);
        },
        (error: unknown) => {
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      )
      .finally(() => {
        signal.removeEventListener('abort', abort);
      });
    if (signal.aborted) abort();
  });
}

async function openFile(at: string, flags: number, path: string): Promise<number> {
  try {
    return await openAsync(at, O_PATH | flags);
  } catch (error) {
    throw new NetError('Open', path, Math.abs((error as NodeJS.ErrnoException).errno ?? 0));
  }
}

const names = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

/**
 * The socket's file at a path below the directory of a descriptor, which is the root of all links on the way; held
 * by a descriptor of O_PATH that the caller closes. openat2 with RESOLVE_IN_ROOT, made of what Node has: each name is opened in a directory that is held, links are
 * not followed but read, and what they say begins at the root that was given. `..` goes back to where it came from,
 * which a directory that is moved meanwhile cannot change.
 */
export async function openSocketBelow(root: number, path: string): Promise<number> {
  const directories: number[] = [];
  const ahead = names(path).reverse();
  let links = 0;
  try {
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (name === '..') {
        const left = directories.pop();
        if (left !== undefined) closeFd(left);
        continue;
      }
      const at = `/proc/self/fd/${directories.at(-1) ?? root}/${name}`;
      const fd = await openFile(at, constants.O_NOFOLLOW, path);
      const type = statusOf(fd)?.type;
      if (type === S_IFDIR) {
        directories.push(fd);
        continue;
      }
      if (type === S_IFSOCK && ahead.length === 0) return fd;
      closeFd(fd);
      if (type !== S_IFLNK) throw new NetError('Open', path, ahead.length === 0 ? ENOTSOCK : ENOTDIR);
      links += 1;
      if (links > SYMLINKS) throw new NetError('Open', path, ELOOP);
      const target = await readLink(at, path);
      if (target.startsWith('/')) for (const left of directories.splice(0)) closeFd(left);
      ahead.push(...names(target).reverse());
    }
    throw new NetError('Open', path, ENOTSOCK);
  } finally {
    for (const left of directories) closeFd(left);
  }
}

async function readLink(at: string, path: string): Promise<string> {
  try {
    return await readlinkAsync(at);
  } catch (error) {
    throw new NetError('Open', path, Math.abs((error as NodeJS.ErrnoException).errno ?? 0));
  }
}

/** State and start of a process: fields 3 and 22 of its stat, after a name that may hold anything. */
function startOf(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
  } catch {
    // No such process.
    return null;
  }
}

/** Whether the peer's process has ended, to be asked also after the connection; null if it cannot be seen. */
export function endOf(peer: Peer): (() => boolean) | null {
  const start = startOf(peer.pid);
  // Asked afterwards, as above.
  if (start === null || peer.currentNetns() === null) return null;
  return () => startOf(peer.pid) !== start;
}
