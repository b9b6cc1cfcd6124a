import { Duplex } from 'node:stream';
import type { Readiness, Watch } from '../../../loader/ffi/port.ts';
import { ClosedError, NetError } from '../error.ts';
import { errno, send, shutdown, watch } from '../libc.ts';
import { closeFd } from '../transport.ts';
import { receive, sendWith } from './ancillary.ts';
import type { Descriptors } from './descriptors.ts';
import { DESCRIPTORS_QUEUED, READS_PER_TURN } from './limits.ts';
import { duplicate } from './passed.ts';
import type { OpenPeer, Peer } from './peer.ts';

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const EINTR = 4;
const EAGAIN = 11;
const EMFILE = 24;
const ENOTCONN = 107;
const ETOOMANYREFS = 109;

type Done = (error?: Error | null) => void;

/** What is being written; `at` is how much of it the kernel has. */
interface Writing {
  readonly bytes: Buffer;
  at: number;
  readonly done: Done;
}

let streams = 0;

/**
 * A connected unix socket: a byte stream on which descriptors ride. It closes its socket, the descriptors it
 * holds and its hold on the peer when it is destroyed, which happens by itself once both directions have
 * ended, or on the first error.
 */
export class UnixStream extends Duplex {
  /** Unique in this process: 'unix:7'. */
  readonly id: string;
  readonly peer: Peer;
  readonly descriptors: Descriptors;
  readonly #fd: number;
  readonly #openPeer: OpenPeer;
  readonly #watch: Watch;
  readonly #queue: number[] = [];
  #reading = false;
  /** How often _read was called. */
  #asked = 0;
  #writing: Writing | null = null;

  /** Takes the connected, non-blocking socket and the peer over. Made by `listenUnix` and `connectUnix`. */
  constructor(fd: number, peer: OpenPeer, descriptors: Descriptors) {
    super({ highWaterMark: 64 * 1024 });
    this.id = `unix:${++streams}`;
    this.peer = this.#openPeer = peer;
    this.descriptors = descriptors;
    this.#fd = fd;
    this.#watch = watch(
      fd,
      (what) => {
        this.#ready(what);
      },
      { readable: false, writable: false },
    );
  }

  /** Sends a duplicate with the next bytes that are written; the caller keeps its own. */
  pass(fd: number): void {
    if (this.destroyed || this.writableEnded) throw new ClosedError('connection', 'Pass descriptor');
    if (this.#queue.length >= DESCRIPTORS_QUEUED)
      throw new NetError('Pass descriptor on', this.id, ETOOMANYREFS, [
        `at most ${DESCRIPTORS_QUEUED} may wait for bytes to go with`,
      ]);
    this.#queue.push(duplicate(fd, `descriptor ${fd}`));
  }

  /** The process may end while this stream waits. */
  unref(): this {
    this.#watch.unref();
    return this;
  }

  ref(): this {
    this.#watch.ref();
    return this;
  }

  /** For who takes this for a net.Socket: a unix socket has no such thing. */
  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  override _read(): void {
    this.#asked++;
    if (this.#reading) return;
    this.#reading = true;
    this.#wantAgain();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#begin(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: Done): void {
    // One copy is cheaper than a system call for each frame header of nine bytes.
    this.#begin(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: Done): void {
    this.#emptyQueue();
    if (shutdown(this.#fd, SHUT_WR) === 0) {
      done();
      return;
    }
    const number = errno();
    // The peer is gone already: there is nobody left to tell.
    done(number === ENOTCONN ? null : new NetError('Shut down', this.id, number));
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#watch.close();
    closeFd(this.#fd);
    this.#emptyQueue();
    this.descriptors.close();
    this.#openPeer.close();
    const writing = this.#writing;
    this.#writing = null;
    writing?.done(error ?? new ClosedError('connection', 'Write'));
    done(error);
  }

  #emptyQueue(): void {
    for (const fd of this.#queue.splice(0)) closeFd(fd);
  }

  #wantAgain(): void {
    this.#watch.want({ readable: this.#reading, writable: this.#writing !== null });
  }

  #ready({ readable, writable }: Readiness): void {
    if (writable && this.#writing !== null) this.#send(this.#writing);
    if (readable) this.#receive();
  }

  #receive(): void {
    for (let i = 0; i < READS_PER_TURN && this.#reading && !this.destroyed; i++) {
      const { length, bytes, fds, truncated } = receive(this.#fd);
      if (length === -EAGAIN) break;
      if (length < 0) {
        this.destroy(new NetError('Read from', this.id, -length));
        return;
      }
      // Filed before the bytes are seen: what they ask for is there by then.
      for (const fd of fds) this.descriptors.arrived(fd);
      if (truncated) this.descriptors.truncated();
      if (this.descriptors.stuck) {
        this.destroy(
          new NetError('Read from', this.id, EMFILE, ['Descriptors come faster than they can be closed']),
        );
        return;
      }
      if (length === 0) {
        this.#reading = false;
        this.#wantAgain();
        this.push(null);
        return;
      }
      // A reader that is behind calls _read once it has caught up, which may be before push returns.
      const asked = this.#asked;
      if (!this.push(Buffer.from(bytes)) && this.#asked === asked) this.#reading = false;
    }
    if (!this.destroyed) this.#wantAgain();
  }

  #begin(bytes: Buffer, done: Done): void {
    this.#writing = { bytes, at: 0, done };
    this.#send(this.#writing);
  }

  #send(writing: Writing): void {
    while (writing.at < writing.bytes.length) {
      const sent = this.#sendSome(writing);
      if (sent >= 0) {
        writing.at += sent;
        continue;
      }
      if (sent === -EINTR) continue;
      if (sent === -EAGAIN) {
        this.#wantAgain();
        return;
      }
      this.#writing = null;
      writing.done(new NetError('Write to', this.id, -sent));
      return;
    }
    this.#writing = null;
    this.#wantAgain();
    writing.done();
  }

  /** NSM's way: a descriptor rides alone on a byte of its own, for as long as there are any. */
  #sendSome({ bytes, at }: Writing): number {
    const [fd] = this.#queue;
    if (fd !== undefined) {
      const sent = sendWith(this.#fd, bytes[at] ?? 0, fd);
      if (sent > 0) closeFd(this.#queue.shift() ?? fd);
      return sent;
    }
    const rest = bytes.subarray(at);
    const sent = Number(send(this.#fd, rest, BigInt(rest.length), MSG_DONTWAIT | MSG_NOSIGNAL));
    return sent < 0 ? -errno() : sent;
  }
}
