import * as libbpf from './libbpf.ts';
import { check, refuse } from './error.ts';
import { ffi } from './ffi/select.ts';

/** Where one constant lies in .rodata, in bytes. */
export interface Constant {
  readonly offset: number;
  readonly size: number;
}

// enum BTF_KIND_*, <linux/btf.h>
const DATASEC = 15;
const TYPE_SIZE = 12;
const SECINFO_SIZE = 12;

/** The variables of .rodata by name, from the object's BTF; offsets are settled when libbpf opens it. */
function constantsOf(object: bigint): Map<string, Constant> {
  const constants = new Map<string, Constant>();
  const btf = libbpf.bpf_object__btf(object);
  const id = btf === 0n ? -1 : libbpf.btf__find_by_name_kind(btf, '.rodata', DATASEC);
  if (id < 0) return constants;
  // struct btf_type { name_off; info: low 16 bits count the members; size } and then its members,
  // struct btf_var_secinfo { type; offset; size }.
  const section = libbpf.btf__type_by_id(btf, id);
  const count = ffi.read(section, TYPE_SIZE).readUInt32LE(4) & 0xffff;
  const members = ffi.read(section + BigInt(TYPE_SIZE), count * SECINFO_SIZE);
  for (let at = 0; at < members.length; at += SECINFO_SIZE) {
    const variable = ffi.read(libbpf.btf__type_by_id(btf, members.readUInt32LE(at)), TYPE_SIZE);
    const name = libbpf.btf__name_by_offset(btf, variable.readUInt32LE(0));
    if (name !== null)
      constants.set(name, { offset: members.readUInt32LE(at + 4), size: members.readUInt32LE(at + 8) });
  }
  return constants;
}

/**
 * The read-only data of an object, writable until it is loaded: from then on the verifier takes
 * `const volatile` variables for constants and removes the branches they switch off.
 */
export class Rodata {
  /** The object's handle; throws when that is loaded or closed. */
  readonly #object: () => bigint;
  readonly #map: bigint;
  readonly #what: string;

  constructor(object: () => bigint, map: bigint, what: string) {
    this.#object = object;
    this.#map = map;
    this.#what = what;
  }

  /** A copy. */
  read(): Buffer {
    this.#object();
    const size = Buffer.alloc(8);
    const address = libbpf.bpf_map__initial_value(this.#map, size);
    return ffi.read(address, Number(size.readBigUInt64LE(0)));
  }

  /** Replaces the whole. */
  write(bytes: Buffer): void {
    this.#object();
    const result = libbpf.bpf_map__set_initial_value(this.#map, bytes, BigInt(bytes.length));
    check(result, 'Set', this.#what);
  }

  /** Sets one variable by its C name; a number must fit its size. */
  set(name: string, value: number | bigint | Buffer): void {
    const what = `constant '${name}' in ${this.#what}`;
    const constant =
      constantsOf(this.#object()).get(name) ?? refuse('Set', what, 'there is no such variable');
    const whole = this.read();
    const slot = whole.subarray(constant.offset, constant.offset + constant.size);
    if (Buffer.isBuffer(value)) {
      if (value.length !== slot.length)
        refuse('Set', what, `it has ${slot.length} bytes, the value ${value.length}`);
      value.copy(slot);
    } else if (!fill(slot, BigInt(value))) {
      refuse('Set', what, `${value} does not fit its ${slot.length} bytes`);
    }
    this.write(whole);
  }
}

function fill(slot: Buffer, value: bigint): boolean {
  const bits = slot.length * 8;
  if (bits > 64 || value >= 1n << BigInt(bits) || value < -(1n << BigInt(bits - 1))) return false;
  const wide = Buffer.alloc(8);
  wide.writeBigUInt64LE(BigInt.asUintN(64, value));
  wide.copy(slot, 0, 0, slot.length);
  return true;
}
