import { ffi } from './ffi/select.ts';
import { BpfError } from './error.ts';

const libc = ffi.open(null);
const calloc = libc.fn('calloc', 'ptr', ['u64', 'u64']);
const freeAt = libc.fn('free', 'void', ['ptr']);
const memcpyTo = libc.fn('memcpy', 'ptr', ['ptr', 'buf', 'u64']);

/**
 * Memory that C may be told the address of: a Buffer has none that JS could write into a struct.
 * Lives until `release` of its arena.
 */
export class Arena {
  readonly #blocks: bigint[] = [];

  /** Zeroed; at least one byte, so that the address is never NULL. */
  allocate(size: number): bigint {
    const address = calloc(1n, BigInt(Math.max(size, 1)));
    if (address === 0n) throw new BpfError({ op: 'Allocate', object: `${size} bytes`, errno: ffi.errno() });
    this.#blocks.push(address);
    return address;
  }

  copyIn(bytes: Buffer): bigint {
    const address = this.allocate(bytes.length);
    if (bytes.length > 0) memcpyTo(address, bytes, BigInt(bytes.length));
    return address;
  }

  string(value: string): bigint {
    return this.copyIn(Buffer.from(`${value}\0`));
  }

  release(): void {
    for (const address of this.#blocks.splice(0)) freeAt(address);
  }
}

/** An arena for one call. */
export function withArena<T>(body: (arena: Arena) => T): T {
  const arena = new Arena();
  try {
    return body(arena);
  } finally {
    arena.release();
  }
}
