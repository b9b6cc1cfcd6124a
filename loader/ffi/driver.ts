import type { CArgs, COut, CResult, CType, Callback, Ffi, Library, Readiness, Watch } from './port.ts';

/** One bound symbol. `values` stay referenced until the call is over. */
export interface Binding {
  call(values: unknown[]): CResult;
  callAsync(values: unknown[]): Promise<CResult>;
}

export interface DriverLibrary {
  /** Throws if the symbol is missing. */
  bind(name: string, result: CType, args: readonly CType[]): Binding;
}

/** What a driver supplies; the types of port.ts are put on in `portOf`, once for all drivers. */
export interface Driver {
  readonly name: Ffi['name'];
  open(soname: string | null): DriverLibrary;
  callback(
    result: 'void' | 'i32',
    args: readonly CType[],
    body: (values: CResult[]) => number | undefined,
  ): Callback;
  errno(): number;
  read(address: bigint, length: number): Buffer;
  readString(address: bigint): string;
  watch(fd: number, ready: (what: Readiness) => void, wanted: Readiness): Watch;
}

/** Both drivers hand out 64-bit integers in two shapes: as numbers while they are safe, in another beyond. */
export function normalise(type: CType, value: unknown): CResult {
  switch (type) {
    case 'void':
    case 'buf':
      return undefined;
    case 'i64':
    case 'u64':
    case 'ptr':
      return BigInt(value as number | bigint | string);
    case 'i32':
    case 'u32':
      return value as number;
    case 'str':
      return value as string | null;
  }
}

function libraryOf(inner: DriverLibrary): Library {
  const lazily = (name: string, result: CType, args: readonly CType[]): (() => Binding) => {
    let bound: Binding | null = null;
    return () => (bound ??= inner.bind(name, result, args));
  };
  return {
    fn<R extends CType, A extends readonly CType[]>(name: string, result: R, args: A) {
      const bound = lazily(name, result, args);
      return (...values: CArgs<A>) => bound().call(values) as COut<R>;
    },
    async<R extends CType, A extends readonly CType[]>(name: string, result: R, args: A) {
      const bound = lazily(name, result, args);
      return async (...values: CArgs<A>) => (await bound().callAsync(values)) as COut<R>;
    },
    has(name) {
      try {
        inner.bind(name, 'void', []);
        return true;
      } catch {
        // Neither driver can look a symbol up without a throw: the throw is the answer.
        return false;
      }
    },
  };
}

export function portOf(driver: Driver): Ffi {
  return {
    name: driver.name,
    open: (soname) => libraryOf(driver.open(soname)),
    callback: (result, args, body) =>
      driver.callback(result, args, (values) => body(...(values as Parameters<typeof body>))),
    errno: () => driver.errno(),
    read: (address, length) => driver.read(address, length),
    readString: (address) => driver.readString(address),
    watch: (fd, ready, wanted = { readable: true, writable: false }) => driver.watch(fd, ready, wanted),
  };
}
