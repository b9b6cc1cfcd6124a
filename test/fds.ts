import { afterAll, expect } from '@jest/globals';
import { readdirSync, readlinkSync } from 'node:fs';

/** Open descriptors of this process: number to target. */
export function openFds(): Map<string, string> {
  const fds = new Map<string, string>();
  for (const number of readdirSync('/proc/self/fd')) {
    try {
      fds.set(number, readlinkSync(`/proc/self/fd/${number}`));
    } catch {
      // The listing's own descriptor, closed by now.
    }
  }
  return fds;
}

/** What is open now and was not: others may have gone meanwhile, of the runtime or of a test before this one. */
export const openedSince = (before: ReadonlyMap<string, string>): [string, string][] =>
  [...openFds()].filter(([number, target]) => before.get(number) !== target);

/** How many descriptors lead to what is called so: the process opens and closes others whenever it likes. */
export const countFds = (target: RegExp): number =>
  [...openFds().values()].filter((found) => target.test(found)).length;

// The runtime opens these for itself, once and for good, when it first needs them.
const runtime = /^(anon_inode:\[(eventfd|eventpoll|io_uring)\]|pipe:|socket:|\/dev\/|\/proc\/)/;

const before = openFds();

/**
 * Fails the test file that leaks a descriptor. Call it at the end of the file: hooks run in the order of
 * their registration, and what the file's own afterAll closes must be closed by then.
 */
export function failOnLeakedFds(): void {
  afterAll(() => {
    const leaked = openedSince(before).filter(([, target]) => !runtime.test(target));
    expect(leaked).toEqual([]);
  });
}
