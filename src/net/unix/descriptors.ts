import { type FileIdentity, fileKey } from '../../file-identity.ts';
import { AbortError, ClosedError, NetError } from '../error.ts';
import { DESCRIPTORS_HELD, TAKEN_MS, UNTAKEN_MS } from './limits.ts';
import { Passed } from './passed.ts';
import type { Room } from './room.ts';

const EINVAL = 22;
const ENOTSOCK = 88;

/** What may be taken. Anything else is not duplicated: to close it might take for ever. */
export type Wanted = 'any' | 'namespace' | 'socket file';

interface Held {
  readonly file: Passed;
  taken: boolean;
  /** On performance.now()'s clock. */
  until: number;
}

interface Waiter {
  readonly key: string;
  readonly give: (held: Held) => void;
  readonly fail: (error: Error) => void;
}

export interface Lifetimes {
  readonly untakenMs: number;
  readonly takenMs: number;
}

const isPowerOfTwo = (count: number): boolean => (count & (count - 1)) === 0;

/**
 * What the peer of one stream has passed and nobody has fetched: by the file it is, which is how requests
 * name it. A namespace held here would keep a dead pod's devices alive, so none stays for long: it goes
 * shortly after it was taken (a request may name the same file twice, and the peer passes it again with
 * each request), or when nobody has asked for it in time.
 */
export class Descriptors {
  // In the order of their last use: the first is the oldest.
  readonly #held = new Map<string, Held>();
  readonly #waiters = new Set<Waiter>();
  readonly #room: Room;
  readonly #limit: number;
  readonly #lifetimes: Lifetimes;
  readonly #onDropped: (dropped: number) => void;
  #dropped = 0;
  #timer: NodeJS.Timeout | null = null;
  #open = true;

  /** `onDropped` hears the total at the first, second, fourth, eighth, ... descriptor that was dropped. */
  constructor(
    room: Room,
    onDropped: (dropped: number) => void = () => undefined,
    limit = DESCRIPTORS_HELD,
    lifetimes: Lifetimes = { untakenMs: UNTAKEN_MS, takenMs: TAKEN_MS },
  ) {
    this.#room = room;
    this.#onDropped = onDropped;
    this.#limit = limit;
    this.#lifetimes = lifetimes;
  }

  /** How many are held now. */
  get count(): number {
    return this.#held.size;
  }

  /** How many were closed unseen, because too many were held or this process had no room for them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Too many are still being closed: whoever passes them must not go on. */
  get stuck(): boolean {
    return this.#room.stuck;
  }

  /**
   * A descriptor of its own of the file with this identity, which the caller closes. Waits for it to
   * arrive; AbortError once `signal` aborts, ClosedError once the stream has closed. What is not `wanted` is
   * refused, by EINVAL instead of a namespace of any type and by ENOTSOCK instead of a socket's file.
   */
  async take(identity: FileIdentity, signal: AbortSignal, wanted: Wanted = 'any'): Promise<number> {
    if (!this.#open) throw new ClosedError('connection', 'Take descriptor');
    const key = fileKey(identity);
    const held = this.#held.get(key);
    if (held !== undefined) return this.#use(key, held, wanted);
    const late = (): AbortError =>
      new AbortError(`No descriptor of file inode://${identity.dev}/${identity.inode} was passed`, signal);
    if (signal.aborted) throw late();
    return new Promise((resolve, reject) => {
      const over = (): void => {
        this.#waiters.delete(waiter);
        signal.removeEventListener('abort', abort);
      };
      const waiter: Waiter = {
        key,
        give: (arrived) => {
          over();
          resolve(this.#use(key, arrived, wanted));
        },
        fail: (error) => {
          over();
          reject(error);
        },
      };
      const abort = (): void => {
        waiter.fail(late());
      };
      signal.addEventListener('abort', abort);
      this.#waiters.add(waiter);
    });
  }

  /**
   * What is held of the file counts as taken, by a call that did without it, and goes as soon. Not at once:
   * another call on this stream may have come with the same.
   */
  spare(identity: FileIdentity): void {
    const key = fileKey(identity);
    const held = this.#held.get(key);
    if (held !== undefined) this.#keep(key, held, true);
  }

  /** Files what has arrived; takes the descriptor over. */
  arrived(fd: number): void {
    const file = Passed.adopt(fd);
    const key = fileKey(file);
    const known = this.#held.get(key);
    if (known !== undefined) {
      this.#room.refuse(file);
      this.#keep(key, known, false);
      return;
    }
    if (!this.#open || !file.identified || !this.#makeRoom()) {
      this.#room.refuse(file);
      this.#drop();
      return;
    }
    const held: Held = { file, taken: false, until: 0 };
    this.#room.keep();
    this.#keep(key, held, false);
    for (const waiter of this.#waiters) if (waiter.key === key) waiter.give(held);
  }

  /** The kernel closed descriptors because this process has too many. How many it does not tell. */
  truncated(): void {
    this.#drop();
  }

  /** Closes what is held. Harmless when repeated. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#timer ?? undefined);
    for (const [key, held] of this.#held) this.#release(key, held);
    for (const { fail } of this.#waiters) fail(new ClosedError('connection', 'Take descriptor'));
  }

  /** Async for its failure; the duplicate is made before it returns, as the held one may be gone afterwards. */
  async #use(key: string, held: Held, wanted: Wanted): Promise<number> {
    const { file } = held;
    const refuse = (errno: number): NetError =>
      new NetError('Take descriptor of', `inode://${file.dev}/${file.inode}`, errno);
    if (wanted === 'namespace' && !file.isNamespace) throw refuse(EINVAL);
    if (wanted === 'socket file' && !file.isSocketFile) throw refuse(ENOTSOCK);
    const copy = file.duplicate();
    this.#keep(key, held, true);
    return copy;
  }

  #keep(key: string, held: Held, taken: boolean): void {
    held.taken = taken;
    held.until = performance.now() + (taken ? this.#lifetimes.takenMs : this.#lifetimes.untakenMs);
    this.#held.delete(key);
    this.#held.set(key, held);
    this.#timer ??= setInterval(() => {
      this.#expire();
    }, this.#lifetimes.takenMs).unref();
  }

  /** Gives up the one whose last take is longest ago, if need be; one that nobody has seen yet never. */
  #makeRoom(): boolean {
    if (this.#held.size < this.#limit && !this.#room.full) return true;
    for (const [key, held] of this.#held) {
      if (!held.taken) continue;
      this.#release(key, held);
      return !this.#room.full;
    }
    return false;
  }

  #release(key: string, { file }: Held): void {
    this.#held.delete(key);
    this.#room.release(file);
  }

  #drop(): void {
    this.#dropped++;
    if (isPowerOfTwo(this.#dropped)) this.#onDropped(this.#dropped);
  }

  #expire(): void {
    const now = performance.now();
    for (const [key, held] of this.#held) if (held.until <= now) this.#release(key, held);
    if (this.#held.size > 0) return;
    clearInterval(this.#timer ?? undefined);
    this.#timer = null;
  }
}
