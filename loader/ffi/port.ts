/**
 * The port: everything the product may ask of a foreign function interface. Two drivers implement it
 * (koffi.ts, ffi-napi.ts) and one contract suite holds both to it.
 *
 * `ptr` is a bare address as a bigint, 0n for NULL: the port never owns what it points to.
 * `buf` is memory the callee reads or writes during the call; the Buffer must stay referenced by the
 * caller until the call returns (or its promise settles). `str` is copied in, NUL-terminated.
 * Absent is `null`, never `undefined`.
 */
export type CType = 'void' | 'i32' | 'u32' | 'i64' | 'u64' | 'ptr' | 'str' | 'buf';

export type CIn<T extends CType> = T extends 'i32' | 'u32'
  ? number
  : T extends 'i64' | 'u64' | 'ptr'
    ? bigint
    : T extends 'str'
      ? string | null
      : T extends 'buf'
        ? Buffer | null
        : never;

/** What a call returns. `str` comes back copied; `buf` cannot be returned. */
export type COut<T extends CType> = T extends 'i32' | 'u32'
  ? number
  : T extends 'i64' | 'u64' | 'ptr'
    ? bigint
    : T extends 'str'
      ? string | null
      : undefined;

export type CArgs<A extends readonly CType[]> = { -readonly [K in keyof A]: CIn<A[K]> };
export type CResult = number | bigint | string | null | undefined;

export interface Library {
  /** Binds on first use of the returned function: declaring what an old library lacks costs nothing. */
  fn<const R extends CType, const A extends readonly CType[]>(
    name: string,
    result: R,
    args: A,
  ): (...args: CArgs<A>) => COut<R>;
  /**
   * The same call on a pool thread. errno of that thread is lost: bind only functions whose failure
   * is told by their result. Never setns there, never park a thread for ever.
   */
  async<const R extends CType, const A extends readonly CType[]>(
    name: string,
    result: R,
    args: A,
  ): (...args: CArgs<A>) => Promise<COut<R>>;
  has(name: string): boolean;
}

/** A C function pointer backed by a JS function; valid until `release`, which its maker calls. */
export interface Callback {
  readonly address: bigint;
  release(): void;
}

/** What an fd can do without waiting. One that has failed or was hung up can do both: the call tells. */
export interface Readiness {
  readonly readable: boolean;
  readonly writable: boolean;
}

/** Readiness of one fd on the event loop; keeps the process alive until closed or unreferenced. */
export interface Watch {
  /** From now on; with both false it hears nothing, not even a failure, and keeps nothing alive. */
  want(readiness: Readiness): void;
  ref(): void;
  unref(): void;
  /** Harmless when repeated. Must come before the fd is closed. */
  close(): void;
}

export interface Ffi {
  readonly name: 'koffi' | 'ffi-napi';
  /** Opens a shared object by soname; null is the process itself (libc). Stays loaded for ever. */
  open(soname: string | null): Library;
  callback<const A extends readonly CType[]>(
    result: 'void' | 'i32',
    args: A,
    body: (...args: { -readonly [K in keyof A]: COut<A[K]> }) => number | undefined,
  ): Callback;
  /** errno of the last synchronous call on this thread; read it at once. */
  errno(): number;
  /** Copies memory out. The caller vouches for `address`. */
  read(address: bigint, length: number): Buffer;
  readString(address: bigint): string;
  /**
   * Calls back for as long as fd is ready (level-triggered) for what is wanted, or has failed; readable is
   * wanted unless said otherwise. One watch per fd.
   */
  watch(fd: number, ready: (what: Readiness) => void, wanted?: Readiness): Watch;
}
