import * as libbpf from './libbpf.ts';
import { check } from './error.ts';
import { isPerCpu, kindName } from './kinds.ts';
import { possibleCpus } from './cpus.ts';
import * as uapi from './uapi.ts';

export interface MapInfo {
  readonly id: number;
  /** The kernel's word: 'hash', 'percpu_hash', 'ringbuf'. */
  readonly type: string;
  readonly keySize: number;
  /** Of one value, as the program sees it. */
  readonly valueSize: number;
  /** What one value takes in a system call: more than valueSize where each CPU has its own. */
  readonly transferSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  /** At most 15 bytes: the kernel keeps no more. */
  readonly name: string;
}

export interface ProgramInfo {
  readonly id: number;
  /** The kernel's word: 'sched_cls', 'xdp', 'tracing'. */
  readonly type: string;
  /** At most 15 bytes. */
  readonly name: string;
  /** Hash of the instructions, hexadecimal: equal for equal programs, across loads and machines. */
  readonly tag: string;
  /** Nanoseconds since boot. */
  readonly loadedAt: bigint;
}

export interface LinkInfo {
  readonly id: number;
  /** The kernel's word: 'tcx', 'xdp', 'tracing'. */
  readonly type: string;
  readonly programId: number;
  /** In the namespace it was attached in, which the kernel does not tell; 0 once that device is gone; null for a link that has no device. */
  readonly ifindex: number | null;
  /** enum bpf_attach_type, where the kernel tells it. */
  readonly attachType: number | null;
}

export function rawInfo(fd: number, info: Buffer, object: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(info.length, 0);
  check(libbpf.bpf_obj_get_info_by_fd(fd, info, length), 'Get info of', object);
  return info;
}

export function mapInfo(fd: number, object = 'a map'): MapInfo {
  const raw = uapi.mapInfo.decode(rawInfo(fd, Buffer.alloc(uapi.mapInfo.size), object));
  const type = kindName('map', raw.type);
  return {
    id: raw.id,
    type,
    keySize: raw.key_size,
    valueSize: raw.value_size,
    transferSize: isPerCpu(type) ? Math.ceil(raw.value_size / 8) * 8 * possibleCpus() : raw.value_size,
    maxEntries: raw.max_entries,
    flags: raw.map_flags,
    name: raw.name,
  };
}

export function programInfo(fd: number, object = 'a program'): ProgramInfo {
  const raw = uapi.progInfo.decode(rawInfo(fd, Buffer.alloc(uapi.progInfo.size), object));
  return {
    id: raw.id,
    type: kindName('program', raw.type),
    name: raw.name,
    tag: raw.tag.toString('hex'),
    loadedAt: raw.load_time,
  };
}

export function linkInfo(fd: number, object = 'a link'): LinkInfo {
  const buffer = rawInfo(fd, Buffer.alloc(uapi.linkInfo.size), object);
  const raw = uapi.linkInfo.decode(buffer);
  const type = kindName('link', raw.type);
  const onDevice = type === 'xdp' || type === 'tcx' || type === 'netkit';
  let attachType: number | null = null;
  if (type === 'tcx' || type === 'netkit' || type === 'netns') attachType = uapi.linkAttachType.read(buffer);
  else if (type === 'tracing') attachType = uapi.tracingAttachType.read(buffer);
  else if (type === 'xdp') attachType = uapi.AttachType.xdp;
  return {
    id: raw.id,
    type,
    programId: raw.prog_id,
    ifindex: onDevice ? uapi.linkIfindex.read(buffer) : null,
    attachType,
  };
}
