/** One C struct as TypeScript sees it. Generated layouts implement this; nobody types an offset. */
export interface Layout<T> {
  /** The struct's name in C. */
  readonly name: string;
  /** In bytes, as BTF says. */
  readonly size: number;
  encode(value: T): Buffer;
  /** Throws when the buffer is not exactly `size` bytes. */
  decode(buffer: Buffer): T;
}

export function bytes(value: Buffer, size: number, field: string): Buffer {
  if (value.length !== size) throw new RangeError(`${field} has ${value.length} bytes: ${size} needed`);
  return value;
}

export function sized(buffer: Buffer, size: number, struct: string): void {
  if (buffer.length !== size)
    throw new RangeError(`struct ${struct} has ${size} bytes, got ${buffer.length}`);
}
