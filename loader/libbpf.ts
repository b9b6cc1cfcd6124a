import { ffi } from './ffi/select.ts';
import type { CArgs, COut, CType, Library } from './ffi/port.ts';
import { BpfError } from './error.ts';
import { installLog } from './log.ts';

// Declarations only, in the order of <bpf/libbpf.h>, <bpf/bpf.h>, <bpf/btf.h>. An int that is negative
// is -errno; a `ptr` that is 0 has left errno behind, to be read before anything else is called.

const soname = 'libbpf.so.1';
let opened: Library | null = null;

/** On first use, so that whoever only wants to say what is missing can load this layer without libbpf. */
function libbpf(): Library {
  if (opened === null) {
    try {
      opened = ffi.open(soname);
    } catch (cause) {
      const detail = 'install libbpf 1.0 or later';
      throw new BpfError({ op: 'Open', object: soname, errno: null, code: 'ENOLIBRARY', detail }, { cause });
    }
    installLog(opened);
  }
  return opened;
}

function fn<const R extends CType, const A extends readonly CType[]>(name: string, result: R, args: A) {
  let bound: ((...values: CArgs<A>) => COut<R>) | null = null;
  return (...values: CArgs<A>): COut<R> => (bound ??= libbpf().fn(name, result, args))(...values);
}

export const libbpf_version_string = fn('libbpf_version_string', 'str', []);

export const bpf_object__open_file = fn('bpf_object__open_file', 'ptr', ['str', 'buf']);
export const bpf_object__open_mem = fn('bpf_object__open_mem', 'ptr', ['buf', 'u64', 'buf']);
export const bpf_object__load = fn('bpf_object__load', 'i32', ['ptr']);
export const bpf_object__close = fn('bpf_object__close', 'void', ['ptr']);
export const bpf_object__btf = fn('bpf_object__btf', 'ptr', ['ptr']);
export const bpf_object__next_program = fn('bpf_object__next_program', 'ptr', ['ptr', 'ptr']);
export const bpf_object__next_map = fn('bpf_object__next_map', 'ptr', ['ptr', 'ptr']);
export const bpf_program__name = fn('bpf_program__name', 'str', ['ptr']);
export const bpf_program__section_name = fn('bpf_program__section_name', 'str', ['ptr']);
export const bpf_program__set_autoload = fn('bpf_program__set_autoload', 'i32', ['ptr', 'u32']);
/** bool: only the low byte of the result means anything. */
export const bpf_program__autoload = fn('bpf_program__autoload', 'u32', ['ptr']);
export const bpf_program__type = fn('bpf_program__type', 'i32', ['ptr']);
export const bpf_program__fd = fn('bpf_program__fd', 'i32', ['ptr']);
export const bpf_map__name = fn('bpf_map__name', 'str', ['ptr']);
export const bpf_map__fd = fn('bpf_map__fd', 'i32', ['ptr']);
export const bpf_map__reuse_fd = fn('bpf_map__reuse_fd', 'i32', ['ptr', 'i32']);
export const bpf_map__type = fn('bpf_map__type', 'i32', ['ptr']);
export const bpf_map__key_size = fn('bpf_map__key_size', 'u32', ['ptr']);
export const bpf_map__value_size = fn('bpf_map__value_size', 'u32', ['ptr']);
export const bpf_map__max_entries = fn('bpf_map__max_entries', 'u32', ['ptr']);
export const bpf_map__map_flags = fn('bpf_map__map_flags', 'u32', ['ptr']);
export const bpf_map__set_max_entries = fn('bpf_map__set_max_entries', 'i32', ['ptr', 'u32']);
export const bpf_map__set_autocreate = fn('bpf_map__set_autocreate', 'i32', ['ptr', 'u32']);
/** bool: only the low byte of the result means anything. */
export const bpf_map__is_internal = fn('bpf_map__is_internal', 'u32', ['ptr']);
export const bpf_map__initial_value = fn('bpf_map__initial_value', 'ptr', ['ptr', 'buf']);
export const bpf_map__set_initial_value = fn('bpf_map__set_initial_value', 'i32', ['ptr', 'buf', 'u64']);
export const bpf_tc_hook_create = fn('bpf_tc_hook_create', 'i32', ['buf']);
export const bpf_tc_hook_destroy = fn('bpf_tc_hook_destroy', 'i32', ['buf']);
export const bpf_tc_attach = fn('bpf_tc_attach', 'i32', ['buf', 'buf']);
export const bpf_tc_detach = fn('bpf_tc_detach', 'i32', ['buf', 'buf']);
export const bpf_tc_query = fn('bpf_tc_query', 'i32', ['buf', 'buf']);
export const ring_buffer__new = fn('ring_buffer__new', 'ptr', ['i32', 'ptr', 'ptr', 'ptr']);
export const ring_buffer__free = fn('ring_buffer__free', 'void', ['ptr']);
export const ring_buffer__consume = fn('ring_buffer__consume', 'i32', ['ptr']);
export const ring_buffer__epoll_fd = fn('ring_buffer__epoll_fd', 'i32', ['ptr']);
export const libbpf_probe_bpf_prog_type = fn('libbpf_probe_bpf_prog_type', 'i32', ['i32', 'ptr']);
export const libbpf_probe_bpf_map_type = fn('libbpf_probe_bpf_map_type', 'i32', ['i32', 'ptr']);
export const libbpf_probe_bpf_helper = fn('libbpf_probe_bpf_helper', 'i32', ['i32', 'i32', 'ptr']);

export const bpf_map_create = fn('bpf_map_create', 'i32', ['i32', 'str', 'u32', 'u32', 'u32', 'buf']);
export const bpf_map_update_elem = fn('bpf_map_update_elem', 'i32', ['i32', 'buf', 'buf', 'u64']);
export const bpf_map_lookup_elem = fn('bpf_map_lookup_elem', 'i32', ['i32', 'buf', 'buf']);
export const bpf_map_delete_elem = fn('bpf_map_delete_elem', 'i32', ['i32', 'buf']);
export const bpf_map_get_next_key = fn('bpf_map_get_next_key', 'i32', ['i32', 'buf', 'buf']);
export const bpf_map_lookup_batch = fn('bpf_map_lookup_batch', 'i32', [
  'i32',
  'buf',
  'buf',
  'buf',
  'buf',
  'buf',
  'buf',
]);
export const bpf_map_update_batch = fn('bpf_map_update_batch', 'i32', ['i32', 'buf', 'buf', 'buf', 'buf']);
export const bpf_map_delete_batch = fn('bpf_map_delete_batch', 'i32', ['i32', 'buf', 'buf', 'buf']);
export const bpf_obj_pin = fn('bpf_obj_pin', 'i32', ['i32', 'str']);
export const bpf_obj_get_opts = fn('bpf_obj_get_opts', 'i32', ['str', 'buf']);
export const bpf_link_create = fn('bpf_link_create', 'i32', ['i32', 'i32', 'i32', 'buf']);
export const bpf_link_update = fn('bpf_link_update', 'i32', ['i32', 'i32', 'buf']);
export const bpf_link_detach = fn('bpf_link_detach', 'i32', ['i32']);
export const bpf_raw_tracepoint_open = fn('bpf_raw_tracepoint_open', 'i32', ['str', 'i32']);
export const bpf_obj_get_info_by_fd = fn('bpf_obj_get_info_by_fd', 'i32', ['i32', 'buf', 'buf']);
export const bpf_prog_get_next_id = fn('bpf_prog_get_next_id', 'i32', ['u32', 'buf']);
export const bpf_map_get_next_id = fn('bpf_map_get_next_id', 'i32', ['u32', 'buf']);
export const bpf_link_get_next_id = fn('bpf_link_get_next_id', 'i32', ['u32', 'buf']);
export const bpf_prog_get_fd_by_id = fn('bpf_prog_get_fd_by_id', 'i32', ['u32']);
export const bpf_map_get_fd_by_id = fn('bpf_map_get_fd_by_id', 'i32', ['u32']);
export const bpf_link_get_fd_by_id = fn('bpf_link_get_fd_by_id', 'i32', ['u32']);
export const bpf_prog_test_run_opts = fn('bpf_prog_test_run_opts', 'i32', ['i32', 'buf']);

export const btf__load_vmlinux_btf = fn('btf__load_vmlinux_btf', 'ptr', []);
export const btf__free = fn('btf__free', 'void', ['ptr']);
export const btf__find_by_name_kind = fn('btf__find_by_name_kind', 'i32', ['ptr', 'str', 'u32']);
export const btf__type_by_id = fn('btf__type_by_id', 'ptr', ['ptr', 'u32']);
export const btf__name_by_offset = fn('btf__name_by_offset', 'str', ['ptr', 'u32']);
