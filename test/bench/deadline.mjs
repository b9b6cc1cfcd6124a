// A run that is interrupted, or takes too long, ends with all it started.
import { setTimeout } from 'node:timers';
import { killAll } from './process.mjs';

export function endWithin(minutes) {
  const end = (why) => {
    killAll();
    console.error(`bench: ${why}`);
    process.exit(130);
  };
  process.on('SIGINT', () => end('interrupted'));
  process.on('SIGTERM', () => end('interrupted'));
  setTimeout(() => end(`not done after ${minutes} minutes`), minutes * 60_000).unref();
}

/** Ends the run, as one that was left out, where `reason` is not null. */
export function skipFor(name, reason) {
  if (reason === null) return;
  console.error(`SKIP ${name}: ${reason}`);
  process.exit(0);
}
