import { lstatSync, mkdirSync, readdirSync, readlinkSync, statfsSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as libbpf from './libbpf.ts';
import { BpfError, check, refuse } from './error.ts';
import { EPERM } from './errno.ts';
import { Fd } from './fd.ts';
import type { Kind } from './kinds.ts';
import { F, objGetOpts } from './uapi.ts';

/** BPF_FS_MAGIC, <linux/magic.h> */
const BPF_FS_MAGIC = 0xcafe4a11;

/** Whether `path`, which must exist, lies on a BPF file system. By magic: anything may be mounted anywhere. */
export function isBpffs(path: string): boolean {
  return (statfsSync(path).type & 0xffffffff) >>> 0 === BPF_FS_MAGIC;
}

/** Why the kernel said EPERM to a path, as far as one can see afterwards. */
function whyRefused(path: string): string | null {
  if (basename(path).includes('.')) return 'bpffs refuses names that hold a dot';
  try {
    return isBpffs(dirname(path)) ? null : `'${dirname(path)}' is not on a BPF file system`;
  } catch {
    // The directory vanished or cannot be read: the errno has to say it all.
    return null;
  }
}

/** Pins a map, program or link; fails with EEXIST where something is. The pin holds a reference of its own. */
export function pinFd(fd: Fd, path: string): void {
  const errno = libbpf.bpf_obj_pin(fd.number, path);
  if (errno === 0) return;
  const detail = errno === -EPERM ? whyRefused(path) : null;
  throw new BpfError({ op: 'Pin', object: `${fd.what} at '${path}'`, errno, detail });
}

/** What kind of BPF object a descriptor is; null for anything else. */
function kindOf(fd: number): Kind | null {
  const name = /^anon_inode:\[?bpf[-_](map|prog|link)/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  return name === 'prog' ? 'program' : name === 'map' || name === 'link' ? name : null;
}

function getPinned(path: string, flags: number): number {
  return libbpf.bpf_obj_get_opts(path, objGetOpts.encode({ sz: BigInt(objGetOpts.size), file_flags: flags }));
}

/**
 * Opens a pin of the wanted kind; the caller closes it. Only maps can be opened read-only, which also
 * does for callers that may read the pin but not write it.
 */
export function openPin(path: string, kind: Kind, readOnly = false): Fd {
  const what = `${kind} pinned at '${path}'`;
  const number = check(getPinned(path, readOnly ? F.RDONLY : 0), 'Open', what);
  const fd = new Fd(number, what);
  const found = kindOf(number);
  if (found === kind) return fd;
  fd.close();
  return refuse('Open', what, `it is ${found === null ? 'no BPF object' : `a ${found}`}`);
}

export type Pin =
  | { readonly kind: Kind; readonly name: string; readonly path: string }
  | { readonly kind: 'directory'; readonly name: string; readonly path: string };

/** What a directory of bpffs holds, by name. A pin that goes away meanwhile is left out. */
export function listPins(directory: string): Pin[] {
  const pins: Pin[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      pins.push({ kind: 'directory', name: entry.name, path });
      continue;
    }
    const number = getPinned(path, 0);
    if (number < 0) continue;
    const fd = new Fd(number, path);
    const kind = kindOf(number);
    fd.close();
    if (kind !== null) pins.push({ kind, name: entry.name, path });
  }
  return pins.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Makes a directory for pins, parents included; refuses any other file system. */
export function makePinDirectory(path: string): void {
  let existing = path;
  for (;;) {
    try {
      if (!isBpffs(existing))
        refuse('Make pin directory', `'${path}'`, `'${existing}' is not on a BPF file system`);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || existing === dirname(existing)) throw error;
      existing = dirname(existing);
    }
  }
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/**
 * Removes one pin. What it pinned lives on while anything else refers to it, and a little longer: bpffs
 * lets go after an RCU grace period. A link that must stop now is detached first. False if there was none.
 */
export function unpin(path: string): boolean {
  // Most often there is none: a thrown ENOENT costs ten times as much as the question.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
