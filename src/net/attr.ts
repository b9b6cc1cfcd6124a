import { CodecError } from './error.ts';

/**
 * Netlink attributes: { u16 length, u16 type, payload } padded to 4 bytes. Netlink is in the byte order
 * of the machine; every machine this runs on (x86-64, arm64) is little-endian.
 */
export const align = (length: number): number => (length + 3) & ~3;

const NESTED = 0x8000;
// The two top bits of the type are flags (nested, big-endian), not part of it.
const TYPE_MASK = 0x3fff;
const HEADER = 4;

export function attr(type: number, payload: Buffer): Buffer {
  const length = HEADER + payload.length;
  if (length > 0xffff)
    throw new CodecError(`Attribute ${type} has ${payload.length} bytes: at most 65531 fit`);
  const encoded = Buffer.alloc(align(length));
  encoded.writeUInt16LE(length, 0);
  encoded.writeUInt16LE(type, 2);
  payload.copy(encoded, HEADER);
  return encoded;
}

export const attrU8 = (type: number, value: number): Buffer => attr(type, Buffer.of(value));

export function attrU16(type: number, value: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16LE(value);
  return attr(type, payload);
}

export function attrU32(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value);
  return attr(type, payload);
}

export function attrI32(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeInt32LE(value);
  return attr(type, payload);
}

/** NUL-terminated, as the kernel wants names. */
export const attrString = (type: number, value: string): Buffer =>
  attr(type, Buffer.concat([Buffer.from(value, 'utf8'), Buffer.of(0)]));

export const attrNest = (type: number, children: readonly Buffer[]): Buffer =>
  attr(type | NESTED, Buffer.concat(children));

/** The attributes of one level, by type. Every reader returns null for an absent attribute. */
export class Attrs {
  readonly #bytes: Buffer;
  /** Where each payload begins, by type: of a device's fifty attributes most are never looked at. */
  readonly #byType = new Map<number, number>();

  /** Throws CodecError when a length leaves the buffer. Up to 3 bytes of padding at the end are no error. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    let offset = 0;
    while (bytes.length - offset >= HEADER) {
      const length = bytes.readUInt16LE(offset);
      if (length < HEADER || length > bytes.length - offset)
        throw new CodecError(`Attribute at ${offset} claims ${length} of ${bytes.length - offset} bytes`);
      this.#byType.set(bytes.readUInt16LE(offset + 2) & TYPE_MASK, offset + HEADER);
      offset += align(length);
    }
  }

  #payload(begin: number): Buffer {
    return this.#bytes.subarray(begin, begin - HEADER + this.#bytes.readUInt16LE(begin - HEADER));
  }

  /** All of them in order, repeated types included. */
  entries(): (readonly [type: number, payload: Buffer])[] {
    const list: (readonly [number, Buffer])[] = [];
    for (let offset = 0; this.#bytes.length - offset >= HEADER;) {
      list.push([this.#bytes.readUInt16LE(offset + 2) & TYPE_MASK, this.#payload(offset + HEADER)]);
      offset += align(this.#bytes.readUInt16LE(offset));
    }
    return list;
  }

  bytes(type: number): Buffer | null {
    const begin = this.#byType.get(type);
    return begin === undefined ? null : this.#payload(begin);
  }

  #atLeast(type: number, length: number): Buffer | null {
    const payload = this.bytes(type);
    if (payload === null) return null;
    if (payload.length < length)
      throw new CodecError(`Attribute ${type} has ${payload.length} bytes, ${length} expected`);
    return payload;
  }

  u8(type: number): number | null {
    return this.#atLeast(type, 1)?.readUInt8() ?? null;
  }

  u16(type: number): number | null {
    return this.#atLeast(type, 2)?.readUInt16LE() ?? null;
  }

  u32(type: number): number | null {
    return this.#atLeast(type, 4)?.readUInt32LE() ?? null;
  }

  i32(type: number): number | null {
    return this.#atLeast(type, 4)?.readInt32LE() ?? null;
  }

  /** Up to the first NUL. */
  string(type: number): string | null {
    const payload = this.bytes(type);
    if (payload === null) return null;
    const end = payload.indexOf(0);
    return payload.toString('utf8', 0, end < 0 ? payload.length : end);
  }

  nested(type: number): Attrs | null {
    const payload = this.bytes(type);
    return payload === null ? null : new Attrs(payload);
  }
}

/** The fixed struct at the head of a body, checked for size, and the attributes behind it. */
export function splitBody(body: Buffer, headerLength: number): { header: Buffer; attrs: Attrs } {
  if (body.length < headerLength)
    throw new CodecError(`Body has ${body.length} bytes, ${headerLength} expected before the attributes`);
  return {
    header: body.subarray(0, headerLength),
    attrs: new Attrs(body.subarray(align(headerLength))),
  };
}
