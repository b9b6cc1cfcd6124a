import { bytes, i32, struct, text, u32, u64 } from './struct.ts';

// <linux/bpf.h>. A shorter struct than the kernel's is answered in part, a longer one is accepted while
// its tail is zero, so that these sizes serve every kernel.

export const mapInfo = struct('struct bpf_map_info', 88, {
  type: u32(0),
  id: u32(4),
  key_size: u32(8),
  value_size: u32(12),
  max_entries: u32(16),
  map_flags: u32(20),
  name: text(24, 16),
});

export const progInfo = struct('struct bpf_prog_info', 232, {
  type: u32(0),
  id: u32(4),
  tag: bytes(8, 8),
  load_time: u64(40),
  nr_map_ids: u32(52),
  map_ids: u64(56),
  name: text(64, 16),
  run_time_ns: u64(192),
  run_cnt: u64(200),
});

/** The union begins at 16; which of its members holds depends on `type`. */
export const linkInfo = struct('struct bpf_link_info', 48, {
  type: u32(0),
  id: u32(4),
  prog_id: u32(8),
});
/** xdp.ifindex, and the same place in the tcx and netkit members that older headers do not have. */
export const linkIfindex = u32(16);
/** tcx.attach_type, netkit.attach_type, netns.attach_type. */
export const linkAttachType = u32(20);
/** tracing.attach_type. */
export const tracingAttachType = u32(16);

/** bpf_attr of BPF_LINK_CREATE with the tcx member of Linux 6.6. */
export const tcxLinkCreate = struct('union bpf_attr', 64, {
  prog_fd: u32(0),
  target_ifindex: u32(4),
  attach_type: u32(8),
  flags: u32(12),
  relative: u32(16),
  expected_revision: u64(24),
});

/** bpf_attr of BPF_PROG_QUERY with the members of Linux 6.6. */
export const tcxQuery = struct('union bpf_attr', 64, {
  target_ifindex: u32(0),
  attach_type: u32(4),
  prog_ids: u64(16),
  count: u32(24),
  link_ids: u64(40),
  revision: u64(56),
});

// <bpf/bpf.h> and <bpf/libbpf.h>. Each opts struct begins with its own size.

export const openOpts = struct('struct bpf_object_open_opts', 80, { sz: u64(0), object_name: u64(8) });
export const objGetOpts = struct('struct bpf_obj_get_opts', 16, { sz: u64(0), file_flags: u32(8) });
export const mapCreateOpts = struct('struct bpf_map_create_opts', 48, { sz: u64(0), map_flags: u32(28) });
export const batchOpts = struct('struct bpf_map_batch_opts', 24, { sz: u64(0), elem_flags: u64(8) });
export const linkCreateOpts = struct('struct bpf_link_create_opts', 64, { sz: u64(0), flags: u32(8) });
export const linkUpdateOpts = struct('struct bpf_link_update_opts', 16, {
  sz: u64(0),
  flags: u32(8),
  old_prog_fd: u32(12),
});
export const testRunOpts = struct('struct bpf_test_run_opts', 80, {
  sz: u64(0),
  data_in: u64(8),
  data_out: u64(16),
  data_size_in: u32(24),
  data_size_out: u32(28),
  ctx_in: u64(32),
  ctx_out: u64(40),
  ctx_size_in: u32(48),
  ctx_size_out: u32(52),
  retval: u32(56),
  repeat: i32(60),
  duration: u32(64),
});
export const tcHook = struct('struct bpf_tc_hook', 24, {
  sz: u64(0),
  ifindex: i32(8),
  attach_point: u32(12),
});
export const tcOpts = struct('struct bpf_tc_opts', 32, {
  sz: u64(0),
  prog_fd: i32(8),
  flags: u32(12),
  prog_id: u32(16),
  handle: u32(20),
  priority: u32(24),
});

export const F = { RDONLY: 8, REPLACE: 4, BEFORE: 8, AFTER: 16, ID: 32, LINK: 8192 } as const;
export const AttachType = { traceRawTp: 23, xdp: 37, tcxIngress: 46, tcxEgress: 47 } as const;
