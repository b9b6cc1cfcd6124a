import { readlinkSync, statSync } from 'node:fs';
import { type FileIdentity, sameFile } from '../../file-identity.ts';
import { check } from '../error.ts';
import { getsockopt, pidfdOpen, poll } from '../libc.ts';
import { closeFd } from '../transport.ts';
import { originOf } from './origin.ts';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
// Since Linux 6.5.
const SO_PEERPIDFD = 77;
const POLLIN = 1;

/** Who is at the other end: the process that called connect, or, for one who connects, listen. */
export interface Peer {
  /** 0 if it cannot be seen from this process's pid namespace. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Its pid and its user namespace were this process's own when the connection was made. */
  readonly inOwnNamespaces: boolean;
  /** Whom it belongs to when something is counted (origin.ts); 'unseen' if that cannot be told. */
  readonly origin: string;
  /** The network namespace it is in now; null once the process has ended, or if it cannot be looked at. */
  currentNetns(): FileIdentity | null;
}

type Kind = 'net' | 'pid' | 'user';

function namespaceOf(pid: number | 'self', kind: Kind): FileIdentity | null {
  try {
    const { dev, ino } = statSync(`/proc/${pid}/ns/${kind}`);
    return { dev, inode: ino };
  } catch {
    // Gone, hidden, or not ours to look at: the same to whoever asks.
    return null;
  }
}

/** Whether /proc counts processes as we do: one of another pid namespace would show us strangers. */
function procIsOurs(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    // No /proc at all.
    return false;
  }
}

/** A descriptor of the process itself, which its number alone is not: numbers are used again. */
function openProcess(socket: number, pid: number): number | null {
  const value = Buffer.alloc(4);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(4);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, value, length) === 0) return value.readInt32LE(0);
  // An older kernel knows the number only: from now on it is guarded, what was before nobody can tell.
  const fd = pidfdOpen(pid, 0);
  return fd < 0 ? null : fd;
}

/** Closed with its stream: it holds a descriptor of the process. */
export class OpenPeer implements Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly inOwnNamespaces: boolean;
  readonly origin: string;
  #pidfd: number | null;

  private constructor(pid: number, uid: number, gid: number, pidfd: number | null) {
    this.pid = pid;
    this.uid = uid;
    this.gid = gid;
    this.#pidfd = pidfd;
    this.inOwnNamespaces = this.#sharesOwn('pid') && this.#sharesOwn('user');
    this.origin = this.#origin();
  }

  /** Of a connected unix socket, which stays the caller's. */
  static of(socket: number): OpenPeer {
    const cred = Buffer.alloc(12);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(cred.length);
    check(getsockopt(socket, SOL_SOCKET, SO_PEERCRED, cred, length), 'Ask for peer of', 'unix socket');
    const pid = cred.readInt32LE(0);
    const pidfd = pid > 0 && procIsOurs() ? openProcess(socket, pid) : null;
    return new OpenPeer(pid, cred.readUInt32LE(4), cred.readUInt32LE(8), pidfd);
  }

  currentNetns(): FileIdentity | null {
    return this.#namespace('net');
  }

  /** Harmless when repeated. */
  close(): void {
    if (this.#pidfd !== null) closeFd(this.#pidfd);
    this.#pidfd = null;
  }

  #namespace(kind: Kind): FileIdentity | null {
    if (this.#pidfd === null) return null;
    const found = namespaceOf(this.pid, kind);
    // Asked afterwards: alive now, it was alive then, and the number its own.
    return found !== null && this.#alive(this.#pidfd) ? found : null;
  }

  #origin(): string {
    if (this.#pidfd === null) return 'unseen';
    try {
      const origin = originOf(this.pid, this.uid);
      return this.#alive(this.#pidfd) ? origin : 'unseen';
    } catch {
      // It has just ended, or is not ours to look at.
      return 'unseen';
    }
  }

  #sharesOwn(kind: Kind): boolean {
    const theirs = this.#namespace(kind);
    const own = namespaceOf('self', kind);
    return theirs !== null && own !== null && sameFile(theirs, own);
  }

  #alive(pidfd: number): boolean {
    const asked = Buffer.alloc(8);
    asked.writeInt32LE(pidfd, 0);
    asked.writeInt16LE(POLLIN, 4);
    return poll(asked, 1n, 0) === 0;
  }
}
