import * as libbpf from './libbpf.ts';
import { BpfError, refuse } from './error.ts';
import { ffi } from './ffi/select.ts';
import type { Callback, Watch } from './ffi/port.ts';
import { log } from './log.ts';
import type { BpfMap } from './map.ts';

/** A record, copied out of the ring. The next one waits until the returned promise settles. */
export type RecordHandler = (record: Buffer) => void | Promise<void>;

export interface RingBufferOptions {
  /** Records that wait for a slow handler; what comes on top is dropped and counted. */
  readonly queue?: number;
}

/** Records taken from the kernel in one turn of the event loop: a busy ring must not hold it for ever. */
const turn = 256;

type State =
  | { readonly phase: 'open'; readonly ring: bigint; readonly callback: Callback; readonly watch: Watch }
  | { readonly phase: 'closed' };

/**
 * Delivers the records of a ring-buffer map to a handler, in order. Keeps the process alive until closed
 * or unreferenced. The map stays its owner's and may be closed meanwhile: the ring has it mapped.
 */
export class RingBuffer {
  readonly #what: string;
  readonly #handler: RecordHandler;
  readonly #limit: number;
  readonly #waiting: Buffer[] = [];
  #state: State;
  #left = 0;
  #delivering = false;
  #dropped = 0;

  constructor(map: BpfMap, handler: RecordHandler, options: RingBufferOptions = {}) {
    this.#what = `ring buffer on ${map.what}`;
    this.#handler = handler;
    this.#limit = options.queue ?? 4096;
    if (map.info.type !== 'ringbuf') refuse('Read', this.#what, `it is a ${map.info.type} map`);
    const { fd } = map;
    const callback = ffi.callback('i32', ['ptr', 'ptr', 'u64'], (_, data, size) => this.#accept(data, size));
    const ring = libbpf.ring_buffer__new(fd, callback.address, 0n, 0n);
    if (ring === 0n) {
      const errno = ffi.errno();
      callback.release();
      throw new BpfError({ op: 'Read', object: this.#what, errno });
    }
    const watch = ffi.watch(libbpf.ring_buffer__epoll_fd(ring), () => {
      this.#consume(ring);
    });
    this.#state = { phase: 'open', ring, callback, watch };
  }

  get isOpen(): boolean {
    return this.#state.phase === 'open';
  }

  /** Records lost here because the handler was slow. What the program could not reserve is its to count. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Called by libbpf for each record. A negative result ends the turn, with this record consumed. */
  #accept(data: bigint, size: bigint): number {
    if (this.#waiting.length >= this.#limit) this.#dropped++;
    else this.#waiting.push(ffi.read(data, Number(size)));
    return --this.#left > 0 ? 0 : -1;
  }

  #consume(ring: bigint): void {
    this.#left = turn;
    libbpf.ring_buffer__consume(ring);
    void this.#deliver();
  }

  async #deliver(): Promise<void> {
    if (this.#delivering) return;
    this.#delivering = true;
    for (let record = this.#waiting.shift(); record !== undefined; record = this.#waiting.shift()) {
      try {
        await this.#handler(record);
      } catch (error) {
        // There is no caller to throw at, and one bad record must not end the stream.
        log('warn', `${this.#what}: its handler failed: ${String(error)}`);
      }
    }
    this.#delivering = false;
  }

  /** Takes what is in the ring now, without waiting for the event loop; at most one turn's worth. */
  consume(): void {
    if (this.#state.phase === 'closed') return refuse('Read', this.#what, 'it is closed', 'ECLOSED');
    this.#consume(this.#state.ring);
  }

  /** Lets the process end while this is open. */
  unref(): void {
    if (this.#state.phase === 'open') this.#state.watch.unref();
  }

  /** Harmless when repeated. Records that still wait are not delivered. */
  close(): void {
    if (this.#state.phase === 'closed') return;
    const { ring, callback, watch } = this.#state;
    this.#state = { phase: 'closed' };
    this.#waiting.length = 0;
    watch.close();
    libbpf.ring_buffer__free(ring);
    callback.release();
  }
}
