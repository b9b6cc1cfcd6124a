import { readFileSync } from 'node:fs';

/** '0-3,5' -> 5. */
export function countCpus(list: string): number {
  let count = 0;
  for (const range of list.trim().split(',')) {
    const [first, last] = range.split('-').map(Number);
    if (first === undefined || Number.isNaN(first)) throw new Error(`'${list}' is not a list of CPUs`);
    count += (last ?? first) - first + 1;
  }
  return count;
}

let known: number | null = null;

/**
 * How many values a per-CPU map carries for one key. Possible CPUs, not online ones: the kernel keeps a
 * slot for each CPU that could ever be plugged in. Fixed at boot.
 */
export function possibleCpus(): number {
  known ??= countCpus(readFileSync('/sys/devices/system/cpu/possible', 'utf8'));
  return known;
}
