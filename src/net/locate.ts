import { readdirSync, statSync } from 'node:fs';
import { type FileIdentity, fileKey, sameFile } from '../file-identity.ts';
import { netnsPath, type NetnsRef } from './netns-ref.ts';

/** Names in a directory; none when it is missing. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** null: gone, or not ours to look at, as the processes of others are in a container. */
function identityAt(ref: NetnsRef): FileIdentity | null {
  try {
    const { dev, ino } = statSync(netnsPath(ref));
    return { dev, inode: ino };
  } catch {
    return null;
  }
}

/**
 * Every namespace that has a name or a process, the first way to each: names, then processes by their number. A
 * name lives until somebody removes it, a process lives longer than a descriptor that was passed. Namespaces that
 * only a descriptor or a bind mount elsewhere holds are not found.
 */
function survey(): Map<string, NetnsRef> {
  const names = namesIn('/run/netns').map((name): NetnsRef => ({ kind: 'name', name }));
  const pids = namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
  const found = new Map<string, NetnsRef>();
  for (const ref of [...names, ...pids.map((pid): NetnsRef => ({ kind: 'pid', pid }))]) {
    const identity = identityAt(ref);
    if (identity !== null && !found.has(fileKey(identity))) found.set(fileKey(identity), ref);
  }
  return found;
}

// A pod that ends takes all its wires along at once, and each of them asks. What one look found holds for
// the turn of the event loop that it was made in, and no longer.
let surveyed: Map<string, NetnsRef> | null = null;

function thisTurn(): Map<string, NetnsRef> {
  if (surveyed === null) {
    surveyed = survey();
    setImmediate(() => {
      surveyed = null;
    });
  }
  return surveyed;
}

// Ways that were found before, the latest last: to be looked at before every process is.
const remembered = new Map<string, NetnsRef>();
const REMEMBERED = 1024;

function remember(key: string, ref: NetnsRef): NetnsRef {
  remembered.delete(key);
  remembered.set(key, ref);
  const [oldest] = remembered.keys();
  if (remembered.size > REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  return ref;
}

function leadsTo(ref: NetnsRef | undefined, identity: FileIdentity): ref is NetnsRef {
  const there = ref === undefined ? null : identityAt(ref);
  return there !== null && sameFile(there, identity);
}

/**
 * A way to the namespace that does not need the one that asked for it; null if there is none. Looks at
 * every process: for when the way that was given no longer leads there.
 */
export function locateNetns(identity: FileIdentity): NetnsRef | null {
  const key = fileKey(identity);
  const earlier = remembered.get(key);
  if (leadsTo(earlier, identity)) return remember(key, earlier);
  const known = thisTurn().get(key);
  if (known === undefined) return null;
  if (leadsTo(known, identity)) return remember(key, known);
  // Ended since the look, perhaps with another way left.
  surveyed = null;
  const again = thisTurn().get(key);
  return leadsTo(again, identity) ? remember(key, again) : null;
}
