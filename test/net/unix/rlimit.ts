import { closeSync, openSync } from 'node:fs';
import { ffi } from '../../../loader/ffi/select.ts';

const RLIMIT_NOFILE = 7;
const libc = ffi.open(null);
const getrlimit = libc.fn('getrlimit', 'i32', ['i32', 'buf']);
const setrlimit = libc.fn('setrlimit', 'i32', ['i32', 'buf']);

/** Leaves this process room for `more` descriptors; the result takes that back and opens nothing for it. */
export function leaveDescriptors(more: number): () => void {
  const was = Buffer.alloc(16);
  getrlimit(RLIMIT_NOFILE, was);
  // Binds it, which opens files.
  setrlimit(RLIMIT_NOFILE, was);
  const files = Array.from({ length: more + 1 }, () => openSync('/dev/null', 'r'));
  const limit = Buffer.from(was);
  limit.writeBigUInt64LE(BigInt(Math.max(...files)));
  for (const fd of files) closeSync(fd);
  setrlimit(RLIMIT_NOFILE, limit);
  return () => {
    setrlimit(RLIMIT_NOFILE, was);
  };
}
