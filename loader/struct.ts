/**
 * C structs of the kernel and of libbpf as tables of offsets. Their layouts are ABI; uapi.test.ts holds
 * every table to the C headers with a compiler.
 */
export interface Field<T> {
  readonly offset: number;
  readonly size: number;
  read(buffer: Buffer): T;
  write(buffer: Buffer, value: T): void;
}

export const u32 = (offset: number): Field<number> => ({
  offset,
  size: 4,
  read: (buffer) => buffer.readUInt32LE(offset),
  write: (buffer, value) => buffer.writeUInt32LE(value, offset),
});

export const i32 = (offset: number): Field<number> => ({
  offset,
  size: 4,
  read: (buffer) => buffer.readInt32LE(offset),
  write: (buffer, value) => buffer.writeInt32LE(value, offset),
});

/** Also size_t and pointers: both supported machines are 64-bit and little-endian. */
export const u64 = (offset: number): Field<bigint> => ({
  offset,
  size: 8,
  read: (buffer) => buffer.readBigUInt64LE(offset),
  write: (buffer, value) => buffer.writeBigUInt64LE(value, offset),
});

/** A char array, NUL-padded. */
export const text = (offset: number, size: number): Field<string> => ({
  offset,
  size,
  read: (buffer) => {
    const bytes = buffer.subarray(offset, offset + size);
    const end = bytes.indexOf(0);
    return bytes.toString('utf8', 0, end < 0 ? size : end);
  },
  write: (buffer, value) => buffer.write(value, offset, size, 'utf8'),
});

export const bytes = (offset: number, size: number): Field<Buffer> => ({
  offset,
  size,
  read: (buffer) => Buffer.from(buffer.subarray(offset, offset + size)),
  write: (buffer, value) => value.copy(buffer, offset, 0, size),
});

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type Values<F extends Fields> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export interface Struct<F extends Fields> {
  readonly cName: string;
  readonly size: number;
  readonly fields: F;
  /** Absent fields are zero. */
  encode(values: Partial<Values<F>>): Buffer;
  decode(buffer: Buffer): Values<F>;
}

export function struct<const F extends Fields>(cName: string, size: number, fields: F): Struct<F> {
  return {
    cName,
    size,
    fields,
    encode(values) {
      const buffer = Buffer.alloc(size);
      for (const [name, value] of Object.entries(values)) fields[name]?.write(buffer, value);
      return buffer;
    },
    decode(buffer) {
      const entries = Object.entries(fields).map(([name, field]) => [name, field.read(buffer)]);
      return Object.fromEntries(entries) as Values<F>;
    },
  };
}
