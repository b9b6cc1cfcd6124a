import { existsSync } from 'node:fs';
import * as libbpf from './libbpf.ts';
import type { Feature } from './error.ts';
import { EINVAL } from './errno.ts';
import { kindNumber } from './kinds.ts';
import { bpf, Command } from './syscall.ts';
import { AttachType, tcxQuery } from './uapi.ts';

// Asked only after something failed, to explain it: a probe before every call would cost each success
// what only a failure needs, and could still be wrong about the call that follows.

const mapTypeSince: Partial<Record<string, string>> = {
  xskmap: '4.18',
  sk_storage: '5.2',
  devmap_hash: '5.4',
  struct_ops: '5.6',
  ringbuf: '5.8',
  inode_storage: '5.10',
  task_storage: '5.11',
  bloom_filter: '5.16',
  user_ringbuf: '6.1',
  cgrp_storage: '6.2',
  arena: '6.9',
};

// Helpers are numbered in the order they came: from this number on, they need this version.
const helperSince: readonly (readonly [first: number, since: string])[] = [
  [210, '6.2'],
  [208, '6.1'],
  [204, '6.0'],
  [194, '5.19'],
  [186, '5.18'],
  [180, '5.17'],
  [176, '5.16'],
  [169, '5.15'],
  [166, '5.14'],
  [164, '5.13'],
  [163, '5.12'],
  [156, '5.11'],
  [142, '5.10'],
  [136, '5.9'],
  [125, '5.8'],
];
const lastHelper = 211;
const helperNames: Partial<Record<number, string>> = {
  130: 'bpf_ringbuf_output',
  131: 'bpf_ringbuf_reserve',
  152: 'bpf_redirect_neigh',
  155: 'bpf_redirect_peer',
  163: 'bpf_check_mtu',
  181: 'bpf_loop',
};

export function helperFeature(number: number): Feature {
  const name = helperNames[number];
  const since = number > lastHelper ? null : (helperSince.find(([first]) => number >= first)?.[1] ?? null);
  return { name: name === undefined ? `BPF helper ${number}` : `the helper ${name}`, since };
}

/** tcx if it is missing, else null. Asking a device that cannot exist tells: ENODEV is tcx speaking. */
export function missingTcx(): Feature | null {
  const attr = tcxQuery.encode({ target_ifindex: 0x7fffffff, attach_type: AttachType.tcxIngress });
  return bpf(Command.progQuery, attr) === -EINVAL ? { name: 'tcx', since: '6.6' } : null;
}

/** `type` is the kernel's word ('ringbuf') or, for one nobody knows, 'type N'. */
export function missingMapType(type: string): Feature | null {
  const unnamed = /^type (\d+)$/.exec(type)?.[1];
  const number = unnamed === undefined ? kindNumber('map', type) : Number(unnamed);
  // libbpf answers with an error for a type it does not know itself, which says nothing of the kernel.
  const there = libbpf.libbpf_probe_bpf_map_type(number, 0n);
  if (there > 0 || (there < 0 && unnamed === undefined)) return null;
  return {
    name: `maps of ${unnamed === undefined ? `type ${type}` : type}`,
    since: mapTypeSince[type] ?? null,
  };
}

export function missingBtf(): Feature | null {
  if (existsSync('/sys/kernel/btf/vmlinux')) return null;
  return { name: 'its own BTF (CONFIG_DEBUG_INFO_BTF)', since: null };
}

const argumentSince: Partial<Record<string, string>> = { 'kfree_skb 3': '5.17' };

interface Symptom {
  readonly pattern: RegExp;
  readonly explain: (...groups: string[]) => Feature | null;
}

const symptoms: readonly Symptom[] = [
  // Numbers beyond the last helper are libbpf's poison for a relocation that found nothing.
  {
    pattern: /invalid func (?:unknown|bpf_\w+)#(\d{1,5})\b/,
    explain: (number) => helperFeature(Number(number)),
  },
  {
    pattern: /func '(\w+)' doesn't have (\d+)-th argument/,
    explain: (name = '', nth = '') => ({
      name: `argument ${nth} of the tracepoint '${name}'`,
      since: argumentSince[`${name} ${nth}`] ?? null,
    }),
  },
  {
    pattern: /failed to find kernel BTF type ID of '(\w+)'/,
    explain: (name = '') => missingBtf() ?? { name: `the tracepoint or function '${name}'`, since: null },
  },
  { pattern: /failed to find valid kernel BTF/, explain: () => missingBtf() },
  {
    pattern: /libbpf: extern .*'(\w+)' is not found|extern \(func ksym\) '(\w+)': not found/,
    explain: (a = '', b = '') => ({ name: `the kernel function '${a || b}'`, since: null }),
  },
];

/** The missing feature that libbpf's words or a verifier log give away, or null. */
export function featureIn(text: string): Feature | null {
  for (const { pattern, explain } of symptoms) {
    const found = pattern.exec(text);
    const feature = found && explain(...found.slice(1));
    if (feature) return feature;
  }
  return null;
}
