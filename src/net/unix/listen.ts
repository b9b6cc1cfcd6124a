import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import type { Watch } from '../../../loader/ffi/port.ts';
import { check, NetError } from '../error.ts';
import { InputError } from '../input.ts';
import { accept4, bind, errno, listen, watch } from '../libc.ts';
import { closeFd } from '../transport.ts';
import { encodeAddress, ensureFolder } from './address.ts';
import { Admission } from './admission.ts';
import { connectOnce, openUnix } from './connect.ts';
import { Descriptors } from './descriptors.ts';
import { ACCEPT_PAUSE_MS, ACCEPTS_PER_TURN, BACKLOG, CONNECTIONS, CONNECTIONS_PER_ORIGIN } from './limits.ts';
import { OpenPeer, type Peer } from './peer.ts';
import { UnixStream } from './stream.ts';

const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const EINTR = 4;
const EAGAIN = 11;
const ECONNABORTED = 103;
const ECONNREFUSED = 111;

/** Why a connection was closed at once. A hostile peer causes as many as it likes: log them sparingly. */
export type Refused =
  /** `maxConnections` are open. */
  | { readonly kind: 'total'; readonly peer: Peer; readonly limit: number }
  /** As many as one origin may have are open from there. */
  | { readonly kind: 'origin'; readonly peer: Peer; readonly origin: string; readonly limit: number }
  /** Descriptors from there are slower to close than they come. */
  | { readonly kind: 'descriptors'; readonly peer: Peer; readonly origin: string; readonly limit: number }
  /** accept(2) failed, as for want of descriptors: nobody is accepted for a moment. */
  | { readonly kind: 'failed'; readonly error: NetError };

export interface ListenOptions {
  /** Absolute, at most 107 bytes. Its directory is made if it is missing. */
  readonly path: string;
  /** Of the socket file: 0o666 lets everybody connect who can reach it. */
  readonly mode: number;
  readonly maxConnections?: number;
  readonly maxConnectionsPerOrigin?: number;
  /** Owns the stream from here on. */
  readonly onConnection: (stream: UnixStream) => void;
  readonly onRefused: (why: Refused) => void;
  /** Descriptors a peer passed were closed unseen: `dropped` in all, told at 1, 2, 4, 8, ... */
  readonly onDropped?: (stream: UnixStream, dropped: number) => void;
}

/** Removes the socket file of a process that is gone; a living one's, or another kind of file, stays. */
function clear(path: string, address: Buffer): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  const refuse = (problem: string): never => {
    throw new InputError('path', path, 'a path where nothing is, or a socket nobody listens on', problem);
  };
  if (!found.isSocket()) return refuse('a file that is no socket is there');
  const probe = openUnix();
  let failed: number;
  try {
    failed = connectOnce(probe, address);
  } finally {
    closeFd(probe);
  }
  // A full backlog is somebody's too.
  if (failed === 0 || failed === EAGAIN) return refuse('another process listens there');
  if (failed !== ECONNREFUSED) throw new NetError('Connect to', path, failed);
  unlinkSync(path);
}

/** Binds and listens. Only then anybody can connect, so the mode is in force from the first connection on. */
function open(path: string, address: Buffer, mode: number): { fd: number; inode: number } {
  const fd = openUnix();
  try {
    check(bind(fd, address, address.length), 'Bind', path);
    try {
      chmodSync(path, mode);
      check(listen(fd, BACKLOG), 'Listen on', path);
      return { fd, inode: lstatSync(path).ino };
    } catch (error) {
      unlinkSync(path);
      throw error;
    }
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

export class UnixListener {
  readonly path: string;
  readonly #fd: number;
  readonly #inode: number;
  readonly #options: ListenOptions;
  readonly #admission: Admission;
  readonly #watch: Watch;
  #pause: NodeJS.Timeout | null = null;
  #open = true;

  constructor(options: ListenOptions) {
    const { path, mode } = options;
    const address = encodeAddress(path, 'path');
    ensureFolder(path, 'path');
    this.path = path;
    this.#options = options;
    this.#admission = new Admission(
      options.maxConnections ?? CONNECTIONS,
      options.maxConnectionsPerOrigin ?? CONNECTIONS_PER_ORIGIN,
    );
    clear(path, address);
    const { fd, inode } = open(path, address, mode);
    this.#fd = fd;
    this.#inode = inode;
    this.#watch = watch(this.#fd, () => {
      this.#accept();
    });
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#admission.total;
  }

  unref(): this {
    this.#watch.unref();
    return this;
  }

  /** No further connections; the open ones stay. Removes the file unless somebody put another in its place. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#pause ?? undefined);
    this.#watch.close();
    if (lstatSync(this.path, { throwIfNoEntry: false })?.ino === this.#inode) unlinkSync(this.path);
    closeFd(this.#fd);
  }

  #accept(): void {
    for (let i = 0; i < ACCEPTS_PER_TURN && this.#open; i++) {
      const fd = accept4(this.#fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        const number = errno();
        if (number === EINTR || number === ECONNABORTED) continue;
        if (number !== EAGAIN) this.#failed(new NetError('Accept on', this.path, number));
        return;
      }
      this.#admit(fd);
    }
  }

  /** The connection that cannot be accepted stays in the backlog, so the watch would call without end. */
  #failed(error: NetError): void {
    this.#watch.want({ readable: false, writable: false });
    clearTimeout(this.#pause ?? undefined);
    this.#pause = setTimeout(() => {
      this.#watch.want({ readable: true, writable: false });
    }, ACCEPT_PAUSE_MS);
    this.#options.onRefused({ kind: 'failed', error });
  }

  #admit(fd: number): void {
    const peer = OpenPeer.of(fd);
    const verdict = this.#admission.enter(peer);
    if (verdict.kind !== 'admitted') {
      peer.close();
      closeFd(fd);
      this.#options.onRefused({ ...verdict, peer });
      return;
    }
    const { onDropped } = this.#options;
    const descriptors = new Descriptors(verdict.room, (dropped) => onDropped?.(stream, dropped));
    const stream = new UnixStream(fd, peer, descriptors);
    stream.once('close', verdict.leave);
    this.#options.onConnection(stream);
  }
}

/**
 * The caller sees to it that no two processes do this for one path at the same moment: each would remove what
 * the other has just made. Throws InputError for a path that cannot be listened on, NetError for what the kernel
 * refuses.
 */
export function listenUnix(options: ListenOptions): UnixListener {
  return new UnixListener(options);
}
