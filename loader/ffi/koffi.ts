import koffi from 'koffi';
import { normalise, portOf } from './driver.ts';
import type { Binding, Driver, DriverLibrary } from './driver.ts';
import type { CResult, CType, Callback, Readiness, Watch } from './port.ts';

const names: Record<CType, string> = {
  void: 'void',
  i32: 'int32_t',
  u32: 'uint32_t',
  i64: 'int64_t',
  u64: 'uint64_t',
  ptr: 'uintptr_t',
  str: 'const char *',
  buf: 'void *',
};

// koffi declares its functions as returning `any`; this is the one place where that is looked at.
type Native = ((...args: unknown[]) => unknown) & {
  async(...args: unknown[]): void;
};

class KoffiLibrary implements DriverLibrary {
  readonly #handle: ReturnType<typeof koffi.load>;

  constructor(soname: string | null) {
    try {
      this.#handle = koffi.load(soname);
    } catch (cause) {
      throw new Error(`Open ${soname ?? 'the process'}: ${(cause as Error).message}`, { cause });
    }
  }

  bind(name: string, result: CType, args: readonly CType[]): Binding {
    const native = this.#handle.func(
      name,
      names[result],
      args.map((a) => names[a]),
    ) as Native;
    return {
      call: (values) => normalise(result, native(...values)),
      callAsync: (values) =>
        new Promise((resolve, reject) => {
          native.async(...values, (failure: Error | null, value: unknown) => {
            if (failure) reject(failure);
            else resolve(normalise(result, value));
          });
        }),
    };
  }
}

class KoffiWatch implements Watch {
  // An unreferenced PollHandle is collected and its events stop silently.
  static readonly #live = new Set<KoffiWatch>();
  static #closesAtExit = false;
  readonly #handle: ReturnType<typeof koffi.node.poll>;
  readonly #ready: (what: Readiness) => void;
  #wanted: Readiness;
  #open = true;

  constructor(fd: number, ready: (what: Readiness) => void, wanted: Readiness) {
    this.#ready = ready;
    this.#wanted = wanted;
    this.#handle = koffi.node.poll(fd, { ...wanted }, this.#called);
    KoffiWatch.#live.add(this);
    KoffiWatch.#closeAtExit();
  }

  /** Node runs the loop once more when all else is torn down: a call into JS by then aborts the process. */
  static #closeAtExit(): void {
    if (KoffiWatch.#closesAtExit) return;
    KoffiWatch.#closesAtExit = true;
    process.once('exit', () => {
      for (const watch of KoffiWatch.#live) watch.close();
    });
  }

  /**
   * The shipped declaration says (events); what comes is (status, events). A negative status is a POLLERR,
   * after which libuv has stopped the handle: an error that has been read is over, so it goes on.
   */
  readonly #called = (...[status, events]: unknown[]): void => {
    const failed = typeof status === 'number' && status < 0;
    this.#ready(failed ? this.#wanted : (events as Readiness));
    if (failed && this.#open) this.#start();
  };

  #start(): void {
    const { readable, writable } = this.#wanted;
    if (readable || writable) this.#handle.start({ readable, writable }, this.#called);
    else this.#handle.stop();
  }

  want({ readable, writable }: Readiness): void {
    if (!this.#open || (this.#wanted.readable === readable && this.#wanted.writable === writable)) return;
    this.#wanted = { readable, writable };
    this.#start();
  }

  ref(): void {
    if (this.#open) this.#handle.ref();
  }

  unref(): void {
    if (this.#open) this.#handle.unref();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    KoffiWatch.#live.delete(this);
    this.#handle.close();
  }
}

/** Anonymous prototypes only: named koffi types are global to the process and clash when made twice. */
function callback(
  result: 'void' | 'i32',
  args: readonly CType[],
  body: (values: CResult[]) => number | undefined,
): Callback {
  const prototype = koffi.proto(
    null,
    names[result],
    args.map((a) => names[a]),
  );
  const entry = (...values: unknown[]): number | undefined =>
    body(values.map((v, i) => normalise(args[i] ?? 'void', v)));
  const address = koffi.register(entry, koffi.pointer(prototype));
  let live = true;
  return {
    address,
    release() {
      if (!live) return;
      live = false;
      koffi.unregister(address);
    },
  };
}

const koffiDriver: Driver = {
  name: 'koffi',
  open: (soname) => new KoffiLibrary(soname),
  callback,
  errno: () => koffi.errno(),
  read(address, length) {
    if (length === 0) return Buffer.alloc(0);
    return Buffer.from(Buffer.from(koffi.view(address, length)));
  },
  readString: (address) => koffi.decode.string(address),
  watch: (fd, ready, wanted) => new KoffiWatch(fd, ready, wanted),
};

export const driver = portOf(koffiDriver);
