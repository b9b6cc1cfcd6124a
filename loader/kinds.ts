// Names of enum bpf_map_type, bpf_prog_type and bpf_link_type, in their order. libbpf's own tables end
// where its release did.

const maps =
  'unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace cgroup_array lru_hash ' +
  'lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap cpumap xskmap sockhash cgroup_storage ' +
  'reuseport_sockarray percpu_cgroup_storage queue stack sk_storage devmap_hash struct_ops ringbuf ' +
  'inode_storage task_storage bloom_filter user_ringbuf cgrp_storage arena';
const programs =
  'unspec socket_filter kprobe sched_cls sched_act tracepoint xdp perf_event cgroup_skb cgroup_sock lwt_in ' +
  'lwt_out lwt_xmit sock_ops sk_skb cgroup_device sk_msg raw_tracepoint cgroup_sock_addr lwt_seg6local ' +
  'lirc_mode2 sk_reuseport flow_dissector cgroup_sysctl raw_tracepoint_writable cgroup_sockopt tracing ' +
  'struct_ops ext lsm sk_lookup syscall netfilter';
const links =
  'unspec raw_tracepoint tracing cgroup iter netns xdp perf_event kprobe_multi struct_ops netfilter tcx ' +
  'uprobe_multi netkit';

const names = { map: maps.split(' '), program: programs.split(' '), link: links.split(' ') };
export type Kind = keyof typeof names;

/** 'hash', 'sched_cls', 'tcx'; 'type N' for what is newer than this table. */
export function kindName(kind: Kind, type: number): string {
  return names[kind][type] ?? `type ${type}`;
}

/** Throws for a name that is not in the table. */
export function kindNumber(kind: Kind, name: string): number {
  const type = names[kind].indexOf(name);
  if (type < 0) throw new RangeError(`No ${kind} type is called '${name}'`);
  return type;
}

const perCpu = new Set(['percpu_hash', 'percpu_array', 'lru_percpu_hash', 'percpu_cgroup_storage']);
export const isPerCpu = (mapType: string): boolean => perCpu.has(mapType);
