import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for a condition of the kernel; throws after `ms`. */
export async function until(holds: () => boolean, ms = 5000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`Still not so after ${ms} ms: ${holds.toString()}`);
    await sleep(2);
  }
}
