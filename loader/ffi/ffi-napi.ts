import { createRequire } from 'node:module';
import { normalise, portOf } from './driver.ts';
import type { Binding, Driver, DriverLibrary } from './driver.ts';
import type { CResult, CType, Callback, Readiness, Watch } from './port.ts';

// Why 64-bit integers travel as strings: the addon refuses bigints and rounds numbers beyond 2^53.
// Addresses are declared as integers of pointer width, which the ABI passes like pointers, so that no
// Buffer has to stand for memory that is not ours.
const names: Record<CType, string> = {
  void: 'void',
  i32: 'int32',
  u32: 'uint32',
  i64: 'int64',
  u64: 'uint64',
  ptr: 'uint64',
  str: 'string',
  buf: 'pointer',
};

interface Native {
  (...args: unknown[]): unknown;
  async(...args: unknown[]): void;
}

/** What this driver uses of the ffi-napi package. */
interface Addon {
  DynamicLibrary: new (path: string | null) => { get(symbol: string): Buffer };
  ForeignFunction: (pointer: Buffer, result: string, args: string[]) => Native;
  Callback: (result: string, args: string[], body: (...args: unknown[]) => unknown) => Buffer;
  errno(): number;
}
/** What this driver uses of the ref-napi package. */
interface Ref {
  address(buffer: Buffer): number | string;
  hexAddress(buffer: Buffer): string;
}

const require = createRequire(import.meta.url);
const ffi = require('ffi-napi') as Addon;
const ref = require('ref-napi') as Ref;

function outgoing(type: CType, value: unknown): unknown {
  return type === 'i64' || type === 'u64' || type === 'ptr' ? (value as bigint).toString() : value;
}

class NapiLibrary implements DriverLibrary {
  readonly #handle: { get(symbol: string): Buffer };

  constructor(soname: string | null) {
    this.#handle = new ffi.DynamicLibrary(soname);
  }

  bind(name: string, result: CType, args: readonly CType[]): Binding {
    const native = ffi.ForeignFunction(
      this.#handle.get(name),
      names[result],
      args.map((a) => names[a]),
    );
    const out = (values: unknown[]): unknown[] => values.map((v, i) => outgoing(args[i] ?? 'void', v));
    return {
      call: (values) => normalise(result, native(...out(values))),
      callAsync: (values) =>
        new Promise((resolve, reject) => {
          native.async(...out(values), (failure: Error | null, value: unknown) => {
            if (failure) reject(failure);
            else resolve(normalise(result, value));
          });
        }),
    };
  }
}

// A Callback without a JS reference is collected and the next call into it crashes the process.
const callbacks = new Set<Buffer>();

function callback(
  result: 'void' | 'i32',
  args: readonly CType[],
  body: (values: CResult[]) => number | undefined,
): Callback {
  const entry = (...values: unknown[]): number | undefined =>
    body(values.map((v, i) => normalise(args[i] ?? 'void', v)));
  const pointer = ffi.Callback(
    names[result],
    args.map((a) => names[a]),
    entry,
  );
  callbacks.add(pointer);
  return {
    address: BigInt(`0x${ref.hexAddress(pointer)}`),
    release: () => {
      callbacks.delete(pointer);
    },
  };
}

const port = portOf({
  name: 'ffi-napi',
  open: (soname) => new NapiLibrary(soname),
  callback,
  errno: () => ffi.errno(),
  read,
  readString: (address) => read(address, Number(strlen(address))).toString('utf8'),
  watch: (fd, ready, wanted) => poller.add(fd, ready, wanted),
} satisfies Driver);

const libc = port.open(null);
const memcpy = libc.fn('memcpy', 'ptr', ['buf', 'ptr', 'u64']);
const strlen = libc.fn('strlen', 'u64', ['ptr']);
const epollCreate = libc.fn('epoll_create1', 'i32', ['i32']);
const epollCtl = libc.fn('epoll_ctl', 'i32', ['i32', 'i32', 'i32', 'buf']);
const epollWait = libc.async('epoll_wait', 'i32', ['i32', 'buf', 'i32', 'i32']);

function read(address: bigint, length: number): Buffer {
  const copy = Buffer.alloc(length);
  if (length > 0) memcpy(copy, address, BigInt(length));
  return copy;
}

// <sys/epoll.h>. struct epoll_event is packed on x86-64 only; elsewhere the data lies at offset 8.
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 1;
const EPOLLOUT = 4;
const EPOLLERR = 8;
const EPOLLHUP = 0x10;
const EPOLLONESHOT = 1 << 30;
const EPOLL_CLOEXEC = 0x80000;
const eventSize = process.arch === 'x64' ? 12 : 16;
const dataOffset = process.arch === 'x64' ? 4 : 8;

interface Watched {
  readonly fd: number;
  readonly ready: (what: Readiness) => void;
  /** EPOLLIN and EPOLLOUT, or 0: then it is not in the set, since epoll tells of failures unasked. */
  events: number;
  referenced: boolean;
}

const eventsOf = ({ readable, writable }: Readiness): number =>
  (readable ? EPOLLIN : 0) | (writable ? EPOLLOUT : 0);

/**
 * One epoll set waited on by one pool thread. Each fd is armed once per call-back (EPOLLONESHOT),
 * since the pool thread would otherwise report it again before the event loop has read it.
 */
class Poller {
  readonly #epoll = epollCreate(EPOLL_CLOEXEC);
  readonly #watches = new Map<number, Watched>();
  #next = 1;
  #waiting = false;

  #control(operation: number, id: number, { fd, events }: Watched): void {
    const event = Buffer.alloc(eventSize);
    event.writeUInt32LE((events | EPOLLONESHOT) >>> 0, 0);
    event.writeUInt32LE(id, dataOffset);
    if (epollCtl(this.#epoll, operation, fd, event) < 0 && operation !== EPOLL_CTL_DEL)
      throw new Error(`Watch fd ${fd}: epoll_ctl failed with errno ${ffi.errno()}`);
  }

  add(fd: number, ready: (what: Readiness) => void, wanted: Readiness): Watch {
    const id = this.#next++;
    const watched: Watched = { fd, ready, events: eventsOf(wanted), referenced: true };
    if (watched.events !== 0) this.#control(EPOLL_CTL_ADD, id, watched);
    this.#watches.set(id, watched);
    void this.#loop();
    return {
      want: (readiness) => {
        if (this.#watches.has(id)) this.#want(id, watched, eventsOf(readiness));
      },
      ref: () => {
        watched.referenced = true;
        void this.#loop();
      },
      unref: () => {
        watched.referenced = false;
      },
      close: () => {
        if (this.#watches.delete(id) && watched.events !== 0) this.#control(EPOLL_CTL_DEL, id, watched);
      },
    };
  }

  #want(id: number, watched: Watched, events: number): void {
    const before = watched.events;
    if (before === events) return;
    watched.events = events;
    const operation = events === 0 ? EPOLL_CTL_DEL : before === 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    this.#control(operation, id, watched);
    void this.#loop();
  }

  async #loop(): Promise<void> {
    if (this.#waiting) return;
    this.#waiting = true;
    const events = Buffer.alloc(eventSize * 16);
    // A bounded wait, so that a closed last watch lets the process end: a pool thread in epoll_wait
    // cannot be unreferenced.
    while ([...this.#watches.values()].some((w) => w.referenced && w.events !== 0)) {
      const count = await epollWait(this.#epoll, events, 16, 20);
      for (let i = 0; i < count; i++) {
        const id = events.readUInt32LE(i * eventSize + dataOffset);
        this.#report(id, events.readUInt32LE(i * eventSize));
      }
    }
    this.#waiting = false;
  }

  #report(id: number, happened: number): void {
    const watched = this.#watches.get(id);
    if (!watched) return;
    const readable = (watched.events & EPOLLIN) !== 0 && (happened & (EPOLLIN | EPOLLERR | EPOLLHUP)) !== 0;
    const writable = (watched.events & EPOLLOUT) !== 0 && (happened & (EPOLLOUT | EPOLLERR | EPOLLHUP)) !== 0;
    // Neither: what happened is no longer wanted.
    if (readable || writable) watched.ready({ readable, writable });
    if (this.#watches.has(id) && watched.events !== 0) this.#control(EPOLL_CTL_MOD, id, watched);
  }
}

const poller = new Poller();

export const driver = port;
