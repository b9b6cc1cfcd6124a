import { ffi } from './ffi/select.ts';

// bpf(2) itself, for what libbpf 1.1 does not know. Its number is per machine: <asm/unistd.h>.
const numbers: Partial<Record<NodeJS.Architecture, bigint>> = { x64: 321n, arm64: 280n };

const syscall = ffi.open(null).fn('syscall', 'i64', ['i64', 'i64', 'buf', 'u64']);

/** enum bpf_cmd */
export const Command = { progQuery: 16, linkCreate: 28 } as const;

/** The result, or -errno. `attr` is written to by commands that answer in it. */
export function bpf(command: number, attr: Buffer): number {
  const number = numbers[process.arch];
  if (number === undefined) throw new Error(`The number of bpf(2) on ${process.arch} is not known`);
  const result = Number(syscall(number, BigInt(command), attr, BigInt(attr.length)));
  return result < 0 ? -ffi.errno() : result;
}
