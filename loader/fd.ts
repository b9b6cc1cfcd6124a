import { ffi } from './ffi/select.ts';
import { BpfError, refuse } from './error.ts';

const libc = ffi.open(null);
const closeFd = libc.fn('close', 'i32', ['i32']);
const fcntl = libc.fn('fcntl', 'i32', ['i32', 'i32', 'i32']);

/** <fcntl.h> */
const F_DUPFD_CLOEXEC = 1030;

/** A file descriptor with one owner: whoever holds this object closes it, once. */
export class Fd {
  #number: number | null;
  /** How errors name it: "map 'hops'". */
  readonly what: string;

  constructor(number: number, what: string) {
    this.#number = number;
    this.what = what;
  }

  get isOpen(): boolean {
    return this.#number !== null;
  }

  /** Only for the duration of a call: never to be kept. Throws once closed. */
  get number(): number {
    return this.#number ?? refuse('Use', this.what, 'it is closed', 'ECLOSED');
  }

  /** Harmless when repeated. The kernel releases the number even when close(2) reports an error. */
  close(): void {
    if (this.#number === null) return;
    closeFd(this.#number);
    this.#number = null;
  }

  /** A second descriptor of the same kernel object; the caller closes it. */
  static duplicate(number: number, what: string): Fd {
    const copy = fcntl(number, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) throw new BpfError({ op: 'Duplicate', object: what, errno: ffi.errno() });
    return new Fd(copy, what);
  }
}
