import * as libbpf from './libbpf.ts';
import { check } from './error.ts';
import { ffi } from './ffi/select.ts';

/** <linux/btf.h>: struct btf_type is 12 bytes, followed by `vlen` struct btf_enum of 8. */
const BTF_KIND_ENUM = 6;
const TYPE_SIZE = 12;
const ENUMERATOR_SIZE = 8;

/**
 * Names of an enum of the running kernel by value; empty when this kernel has no such enum. Reads the
 * kernel's whole BTF (some 20 ms): for answers that are asked for seldom, or kept.
 */
export function kernelEnum(name: string): Map<number, string> {
  const btf = libbpf.btf__load_vmlinux_btf();
  if (btf === 0n) check(-ffi.errno(), 'Load', "the kernel's BTF");
  try {
    const id = libbpf.btf__find_by_name_kind(btf, name, BTF_KIND_ENUM);
    if (id < 0) return new Map();
    const type = libbpf.btf__type_by_id(btf, id);
    const count = ffi.read(type, TYPE_SIZE).readUInt32LE(4) & 0xffff;
    const entries = ffi.read(type + BigInt(TYPE_SIZE), count * ENUMERATOR_SIZE);
    return new Map(
      Array.from({ length: count }, (_, i) => {
        const at = i * ENUMERATOR_SIZE;
        return [
          entries.readInt32LE(at + 4),
          libbpf.btf__name_by_offset(btf, entries.readUInt32LE(at)) ?? '',
        ] as const;
      }),
    );
  } finally {
    libbpf.btf__free(btf);
  }
}
