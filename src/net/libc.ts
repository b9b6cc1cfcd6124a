import { ffi } from '../../loader/ffi/select.ts';

/** The libc calls of this folder: declarations only. ssize_t is i64; a failure is -1 and `errno()` at once. */
const libc = ffi.open(null);

export const socket = libc.fn('socket', 'i32', ['i32', 'i32', 'i32']);
export const bind = libc.fn('bind', 'i32', ['i32', 'buf', 'u32']);
export const setsockopt = libc.fn('setsockopt', 'i32', ['i32', 'i32', 'i32', 'buf', 'u32']);
export const send = libc.fn('send', 'i64', ['i32', 'buf', 'u64', 'i32']);
export const sendAsync = libc.async('send', 'i64', ['i32', 'buf', 'u64', 'i32']);
export const recvfrom = libc.fn('recvfrom', 'i64', ['i32', 'buf', 'u64', 'i32', 'buf', 'buf']);
export const recvmsg = libc.fn('recvmsg', 'i64', ['i32', 'buf', 'i32']);
export const setns = libc.fn('setns', 'i32', ['i32', 'i32']);
export const ioctl = libc.fn('ioctl', 'i32', ['i32', 'u64', 'buf']);
export const closeAsync = libc.async('close', 'i32', ['i32']);
export const close = libc.fn('close', 'i32', ['i32']);
export const listen = libc.fn('listen', 'i32', ['i32', 'i32']);
export const accept4 = libc.fn('accept4', 'i32', ['i32', 'buf', 'buf', 'i32']);
export const connect = libc.fn('connect', 'i32', ['i32', 'buf', 'u32']);
export const getsockopt = libc.fn('getsockopt', 'i32', ['i32', 'i32', 'i32', 'buf', 'buf']);
export const sendmsg = libc.fn('sendmsg', 'i64', ['i32', 'buf', 'i32']);
export const shutdown = libc.fn('shutdown', 'i32', ['i32', 'i32']);
export const fcntl = libc.fn('fcntl', 'i32', ['i32', 'i32', 'i32']);
export const pidfdOpen = libc.fn('pidfd_open', 'i32', ['i32', 'u32']);
export const poll = libc.fn('poll', 'i32', ['buf', 'u64', 'i32']);
export const statx = libc.fn('statx', 'i32', ['i32', 'str', 'i32', 'u32', 'buf']);
export const strerror = libc.fn('strerror', 'str', ['i32']);
export const errno = (): number => ffi.errno();
export const watch = ffi.watch.bind(ffi);

const memcpy = libc.fn('memcpy', 'ptr', ['buf', 'buf', 'u64']);

/** Memory whose address may be written into a struct: an ArrayBuffer of its own is never moved. */
export function fixedMemory(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}

/** The address of a `fixedMemory`, valid while the caller keeps the Buffer referenced. */
export function addressOf(memory: Buffer): bigint {
  // memcpy returns its destination: the one way to learn an address that every driver has.
  return memcpy(memory, memory, 0n);
}
