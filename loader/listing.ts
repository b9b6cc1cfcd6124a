import * as libbpf from './libbpf.ts';
import { check } from './error.ts';
import { ENOENT } from './errno.ts';
import type { LinkInfo, MapInfo, ProgramInfo } from './info.ts';
import { BpfLink } from './link/link.ts';
import { BpfMap } from './map.ts';
import { BpfProgram } from './program.ts';

function* ids(next: (after: number, out: Buffer) => number, what: string): Generator<number, void> {
  const out = Buffer.alloc(4);
  for (let id = 0; ; id = out.readUInt32LE(0)) {
    const result = next(id, out);
    if (result === -ENOENT) return;
    check(result, 'List', what);
    yield out.readUInt32LE(0);
  }
}

interface Handle<I> {
  readonly info: I;
  close(): void;
}

/** What is gone again between its id and its handle is left out. */
function* infos<I>(all: Iterable<number>, open: (id: number) => Handle<I> | null): Generator<I, void> {
  for (const id of all) {
    const handle = open(id);
    if (handle === null) continue;
    try {
      yield handle.info;
    } finally {
      handle.close();
    }
  }
}

/** Every map in the kernel, whoever's. */
export const listMaps = (): Iterable<MapInfo> =>
  infos(ids(libbpf.bpf_map_get_next_id, 'maps'), (id) => BpfMap.openId(id));

/** Every program in the kernel, whoever's. */
export const listPrograms = (): Iterable<ProgramInfo> =>
  infos(ids(libbpf.bpf_prog_get_next_id, 'programs'), (id) => BpfProgram.openId(id));

/** Every link in the kernel, of every network namespace. */
export const listLinks = (): Iterable<LinkInfo> =>
  infos(ids(libbpf.bpf_link_get_next_id, 'links'), (id) => BpfLink.openId(id));

/** Programs whose name begins with the owner's mark. The kernel cuts names after 15 bytes. */
export function programsOf(prefix: string): ProgramInfo[] {
  return Array.from(listPrograms()).filter(({ name }) => name.startsWith(prefix));
}

export function mapsOf(prefix: string): MapInfo[] {
  return Array.from(listMaps()).filter(({ name }) => name.startsWith(prefix));
}

/** Links carry no name: theirs are those of their programs. */
export function linksOf(programIds: Iterable<number>): LinkInfo[] {
  const wanted = new Set(programIds);
  return Array.from(listLinks()).filter(({ programId }) => wanted.has(programId));
}
