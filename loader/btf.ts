import { ffi } from './ffi/select.ts';
import { check } from './error.ts';

const libbpf = ffi.open('libbpf.so.1');
const loadVmlinux = libbpf.fn('btf__load_vmlinux_btf', 'ptr', []);
const findByNameKind = libbpf.fn('btf__find_by_name_kind', 'i32', ['ptr', 'str', 'u32']);
const typeById = libbpf.fn('btf__type_by_id', 'ptr', ['ptr', 'u32']);
const nameByOffset = libbpf.fn('btf__name_by_offset', 'str', ['ptr', 'u32']);
const free = libbpf.fn('btf__free', 'void', ['ptr']);

/** <linux/btf.h>: struct btf_type is 12 bytes, followed by `vlen` struct btf_enum of 8. */
const BTF_KIND_ENUM = 6;
const TYPE_SIZE = 12;
const ENUMERATOR_SIZE = 8;

/**
 * Names of an enum of the running kernel by value; empty when this kernel has no such enum. Reads the
 * kernel's whole BTF (some 20 ms): for answers that are asked for seldom, or kept.
 */
export function kernelEnum(name: string): Map<number, string> {
  const btf = loadVmlinux();
  if (btf === 0n) check(-ffi.errno(), 'Load', "the kernel's BTF");
  try {
    const id = findByNameKind(btf, name, BTF_KIND_ENUM);
    if (id < 0) return new Map();
    const type = typeById(btf, id);
    const count = ffi.read(type, TYPE_SIZE).readUInt32LE(4) & 0xffff;
    const entries = ffi.read(type + BigInt(TYPE_SIZE), count * ENUMERATOR_SIZE);
    return new Map(
      Array.from({ length: count }, (_, i) => {
        const at = i * ENUMERATOR_SIZE;
        return [entries.readInt32LE(at + 4), nameByOffset(btf, entries.readUInt32LE(at)) ?? ''] as const;
      }),
    );
  } finally {
    free(btf);
  }
}
