import { constants, closeSync, fstatSync, openSync, statfsSync } from 'node:fs';
import type { FileIdentity } from '../file-identity.ts';
import { ClosedError, NetError } from './error.ts';
import { InputError } from './input.ts';
import { errno, fcntl, ioctl } from './libc.ts';
import { formatNetns, NETNS_ALLOWED, netnsPath, type NetnsRef } from './netns-ref.ts';

const NSFS_MAGIC = 0x6e736673;
const NS_GET_NSTYPE = 0xb703n;
const CLONE_NEWNET = 0x40000000;
const F_GETFL = 3;
const O_PATH = 0o10000000;

/** Why a namespace cannot be had. `absent` is also what a namespace is that has just ended. */
export class NetnsError extends InputError {
  override readonly name = 'NetnsError';
  readonly problem: 'absent' | 'not-a-netns' | 'denied';

  constructor(problem: NetnsError['problem'], field: string, value: string, text: string) {
    super(field, value, NETNS_ALLOWED, text);
    this.problem = problem;
  }
}

/**
 * An open namespace. It keeps the namespace and all devices in it alive, so it is borrowed for one
 * operation and closed with it; what may be kept is the identity.
 */
export class NetnsHandle implements FileIdentity {
  readonly dev: number;
  readonly inode: number;
  readonly #fd: number;
  readonly #opened: { close(): void }[] = [];
  #open = true;

  /** Takes over the fd, which is known to be a network namespace. */
  constructor(fd: number) {
    const { dev, ino } = fstatSync(fd);
    this.dev = dev;
    this.inode = ino;
    this.#fd = fd;
  }

  get fd(): number {
    if (!this.#open) throw new ClosedError('namespace', 'Use namespace');
    return this.#fd;
  }

  /** Takes over what was opened in the namespace: closed with it, since it keeps the namespace alive as well. */
  keep(opened: { close(): void }): void {
    if (!this.#open) throw new ClosedError('namespace', 'Keep for namespace');
    this.#opened.push(opened);
  }

  /** Harmless when repeated. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const opened of this.#opened.reverse()) opened.close();
    closeSync(this.#fd);
  }
}

/** What a file is that is no network namespace; null if it is one. */
function wrongType(fd: number): string | null {
  const { type } = statfsSync(`/proc/self/fd/${fd}`);
  if (type !== NSFS_MAGIC) return `it is no namespace (file system 0x${type.toString(16)})`;
  const kind = ioctl(fd, NS_GET_NSTYPE, null);
  if (kind < 0) throw new NetError('Ask type of namespace', `fd ${fd}`, errno());
  return kind === CLONE_NEWNET
    ? null
    : `it is a namespace of type 0x${kind.toString(16)}, not a network namespace`;
}

/** Opens, checks and hands over; the caller closes. Throws NetnsError with `field` and the ref's text. */
export function openNetns(ref: NetnsRef, field = 'netns'): NetnsHandle {
  const path = netnsPath(ref);
  const text = formatNetns(ref);
  let fd: number;
  try {
    // Asked before opening, because opening a FIFO waits and opening a device node may do things.
    const { type } = statfsSync(path);
    if (type !== NSFS_MAGIC)
      throw new NetnsError(
        'not-a-netns',
        field,
        text,
        `${path} is no namespace (file system 0x${type.toString(16)})`,
      );
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw refusal(error, ref, field, path);
  }
  try {
    const problem = wrongType(fd);
    if (problem !== null) throw new NetnsError('not-a-netns', field, text, `${path}: ${problem}`);
    return new NetnsHandle(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function refusal(error: unknown, ref: NetnsRef, field: string, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const text = formatNetns(ref);
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ESRCH':
      return new NetnsError(
        'absent',
        field,
        text,
        ref.kind === 'pid' ? `there is no process ${ref.pid}` : `there is no ${path}`,
      );
    case 'EACCES':
    case 'EPERM':
      return new NetnsError('denied', field, text, `${path} may not be opened (${code})`);
    default:
      return error;
  }
}

/**
 * Checks an fd somebody passed and takes it over: it is closed if it is no network namespace. Its file system is
 * asked, so the caller knows that it is one that answers.
 */
export function adoptNetns(passed: number, field = 'netns'): NetnsHandle {
  let fd = passed;
  try {
    const { type } = statfsSync(`/proc/self/fd/${fd}`);
    // What was opened with O_PATH, as NSM's processes pass it, cannot be entered. Only a namespace is opened
    // again, for the reasons above.
    if (type === NSFS_MAGIC && (fcntl(passed, F_GETFL, 0) & O_PATH) !== 0) {
      fd = openSync(`/proc/self/fd/${passed}`, constants.O_RDONLY | constants.O_NONBLOCK);
      closeSync(passed);
    }
    const problem = wrongType(fd);
    if (problem !== null) throw new NetnsError('not-a-netns', field, `fd ${passed}`, problem);
    return new NetnsHandle(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The namespace of the calling thread; the caller closes. (/proc/self is the main thread's.) */
export function openOwnNetns(): NetnsHandle {
  return new NetnsHandle(openSync('/proc/thread-self/ns/net', constants.O_RDONLY));
}

export function ownNetns(): FileIdentity {
  const { dev, inode } = withHandle(openOwnNetns(), (handle) => handle);
  return { dev, inode };
}

/** What a function may return that is over when it returns. */
export type Settled<T> = T extends PromiseLike<unknown> ? never : T;

/** Closes the handle when `use` is over, however it ends: `use` is synchronous. */
export function withHandle<T>(handle: NetnsHandle, use: (handle: NetnsHandle) => Settled<T>): Settled<T> {
  try {
    return use(handle);
  } finally {
    handle.close();
  }
}
