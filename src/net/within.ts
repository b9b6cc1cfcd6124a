import { access } from 'node:fs';
import { check } from './error.ts';
import { setns } from './libc.ts';
import { NetnsHandle, openNetns, openOwnNetns, withHandle, type Settled } from './netns.ts';
import type { NetnsRef } from './netns-ref.ts';

const CLONE_NEWNET = 0x40000000;

let warm = false;

/**
 * Starts the threads of libuv's pool. They inherit the namespace of the thread that starts them, for
 * ever: so before the first setns, at best at boot. Idempotent.
 */
export function warmPool(): void {
  if (warm) return;
  warm = true;
  // The pool is started inside this call; access is one of the file operations that never go through
  // io_uring instead. What it finds does not matter.
  access('/', () => undefined);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Runs `fn` with the calling thread in the namespace: sockets, /proc/sys/net and /proc/net opened
 * inside belong to it, children inherit it. `fn` must be over when it returns: anything after an await
 * would run in the agent's own namespace, or worse, other work of the event loop in the pod's. If the
 * way back is barred the process aborts, since every later socket would land in the wrong namespace.
 *
 * A handle stays the caller's; a ref is opened and closed here.
 */
export function within<T>(netns: NetnsHandle | NetnsRef, fn: () => Settled<T>): Settled<T> {
  if (!(netns instanceof NetnsHandle))
    return withHandle<T>(openNetns(netns), (handle) => within<T>(handle, fn));
  warmPool();
  return withHandle<T>(openOwnNetns(), (home) => {
    check(setns(netns.fd, CLONE_NEWNET), 'Enter namespace', `inode ${netns.inode}`);
    let result: Settled<T>;
    try {
      result = fn();
    } finally {
      if (setns(home.fd, CLONE_NEWNET) < 0) process.abort();
    }
    if (isPromise(result)) {
      result.then(undefined, () => undefined);
      throw new TypeError('The function run within a namespace returned a promise: it must be synchronous');
    }
    return result;
  });
}
