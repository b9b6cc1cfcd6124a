import { setTimeout as sleep } from 'node:timers/promises';
import { AbortError, check, NetError } from '../error.ts';
import { connect, errno, socket } from '../libc.ts';
import { closeFd } from '../transport.ts';
import { AF_UNIX, encodeAddress } from './address.ts';
import { Descriptors } from './descriptors.ts';
import { CONNECT_PAUSE_MS, DESCRIPTORS_PER_ORIGIN } from './limits.ts';
import { OpenPeer } from './peer.ts';
import { Room } from './room.ts';
import { UnixStream } from './stream.ts';

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const EINTR = 4;
const EAGAIN = 11;

/** A non-blocking stream socket; the caller closes it. */
export function openUnix(): number {
  return check(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 'Open', 'unix socket');
}

/** One attempt: 0, or errno. EAGAIN: there is a listener, and its backlog is full. */
export function connectOnce(fd: number, address: Buffer): number {
  for (;;) {
    if (connect(fd, address, address.length) === 0) return 0;
    const number = errno();
    if (number !== EINTR) return number;
  }
}

/**
 * Connects to the socket file. The peer is the process that listens. The caller destroys the stream. NetError
 * with the code of connect(2); AbortError if `signal` aborts while the listener's backlog is full.
 */
export async function connectUnix(path: string, signal: AbortSignal): Promise<UnixStream> {
  const address = encodeAddress(path, 'path');
  if (signal.aborted) throw new AbortError(`Connecting to '${path}' was given up`, signal);
  const fd = openUnix();
  let peer: OpenPeer | null = null;
  try {
    // A full backlog is the one thing that connect waits for, and there is no event for its end.
    for (let failed = connectOnce(fd, address); failed !== 0; failed = connectOnce(fd, address)) {
      if (failed !== EAGAIN) throw new NetError('Connect to', path, failed);
      await sleep(CONNECT_PAUSE_MS, undefined, { signal }).catch(() => {
        throw new AbortError(`Connecting to '${path}' was given up: its backlog is full`, signal);
      });
    }
    peer = OpenPeer.of(fd);
    return new UnixStream(fd, peer, new Descriptors(new Room(DESCRIPTORS_PER_ORIGIN)));
  } catch (error) {
    peer?.close();
    closeFd(fd);
    throw error;
  }
}
