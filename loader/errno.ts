import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

// Two names share a number: these are the ones BPF manuals use. ENOTSUPP is the kernel's own and in no
// header of user space, yet bpf(2) lets it out.
const preferred: Record<number, string> = { 11: 'EAGAIN', 95: 'EOPNOTSUPP', 524: 'ENOTSUPP' };

// enum libbpf_errno, from 4000 on: what libbpf itself finds wrong.
const libbpf =
  'LIBELF FORMAT KVERSION ENDIAN INTERNAL RELOC LOAD VERIFY PROG2BIG KVER PROGTYPE WRNGPID INVSEQ NLPARSE';

const names = new Map<number, string>([
  ...Object.entries(constants.errno).map(([name, value]): [number, string] => [value, name]),
  ...libbpf.split(' ').map((name, index): [number, string] => [4000 + index, `LIBBPF_${name}`]),
  ...Object.entries(preferred).map(([value, name]): [number, string] => [Number(value), name]),
]);
const texts = new Map([...getSystemErrorMap()].map(([value, [, text]]) => [-value, text]));
texts.set(67, 'link has been severed').set(524, 'operation is not supported');

/** 2 -> 'ENOENT'; a number without a name comes back as 'errno N'. Takes the sign of a kernel result too. */
export function errnoName(errno: number): string {
  return names.get(Math.abs(errno)) ?? `errno ${Math.abs(errno)}`;
}

/** 2 -> 'no such file or directory'; null where nothing is known beyond the name. */
export function errnoText(errno: number): string | null {
  return texts.get(Math.abs(errno)) ?? null;
}

export const ENOENT = 2;
export const E2BIG = 7;
export const EPERM = 1;
export const EINTR = 4;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENODEV = 19;
export const EINVAL = 22;
export const ENOSPC = 28;
export const EOPNOTSUPP = 95;
export const ENOTSUPP = 524;
