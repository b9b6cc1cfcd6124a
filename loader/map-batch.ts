import * as libbpf from './libbpf.ts';
import { check } from './error.ts';
import { EINTR, EINVAL, ENOENT, ENOSPC, ENOTSUPP, EOPNOTSUPP } from './errno.ts';
import type { BpfMap, SetMode } from './map.ts';
import { batchOpts } from './uapi.ts';

type Entry = [key: Buffer, value: Buffer];

/** Entries a call. Larger pages gain nothing that could be measured and hold the event loop longer. */
const page = 1024;

// The map type has no batches (ENOTSUPP, EOPNOTSUPP), or the kernel has none at all (EINVAL, before 5.6).
const lacksBatches = (result: number): boolean => [-ENOTSUPP, -EOPNOTSUPP, -EINVAL].includes(result);

const opts = (elementFlags: bigint): Buffer =>
  batchOpts.encode({ sz: BigInt(batchOpts.size), elem_flags: elementFlags });

export function* batchEntries(map: BpfMap): Generator<Entry, void> {
  const { keySize, transferSize } = map.info;
  // The kernel's cursor is a bucket number or a key, whatever is longer.
  let from: Buffer | null = null;
  let size = Math.min(page, map.info.maxEntries);
  for (;;) {
    const next = Buffer.alloc(Math.max(keySize, 8));
    const keys = Buffer.allocUnsafe(size * keySize);
    const values = Buffer.allocUnsafe(size * transferSize);
    const count = Buffer.alloc(4);
    count.writeUInt32LE(size, 0);
    const result = libbpf.bpf_map_lookup_batch(map.fd, from, next, keys, values, count, opts(0n));
    if (result === -ENOSPC) {
      // One bucket holds more than a page.
      size *= 2;
      continue;
    }
    if (result === -EINTR) continue;
    if (from === null && lacksBatches(result)) {
      yield* walkedEntries(map);
      return;
    }
    if (result !== -ENOENT) check(result, 'Read a batch from', map.what);
    const filled = count.readUInt32LE(0);
    for (let i = 0; i < filled; i++)
      yield [
        keys.subarray(i * keySize, (i + 1) * keySize),
        values.subarray(i * transferSize, (i + 1) * transferSize),
      ];
    if (result === -ENOENT) return;
    from = next;
  }
}

/**
 * Key by key. Asked for the successor of a key that is gone, the kernel begins again: what was seen is
 * not reported twice, and a map that changes faster than it is read cannot keep us for ever.
 */
export function* walkedEntries(map: BpfMap): Generator<Entry, void> {
  const seen = new Set<string>();
  let key: Buffer | null = null;
  for (let steps = 0; steps <= 2 * map.info.maxEntries; steps++) {
    const next = Buffer.alloc(map.info.keySize);
    const result = libbpf.bpf_map_get_next_key(map.fd, key, next);
    if (result === -ENOENT) return;
    check(result, 'Walk', map.what);
    key = next;
    const name = next.toString('latin1');
    if (seen.has(name)) continue;
    seen.add(name);
    const value = map.get(next);
    if (value !== null) yield [Buffer.from(next), value];
  }
}

export function batchSet(
  map: BpfMap,
  entries: readonly (readonly [Buffer, Buffer])[],
  mode: SetMode,
  flags: bigint,
): void {
  for (let start = 0; start < entries.length; start += page) {
    const slice = entries.slice(start, start + page);
    const keys = Buffer.concat(slice.map(([key]) => key));
    const values = Buffer.concat(slice.map(([, value]) => value));
    const count = Buffer.alloc(4);
    count.writeUInt32LE(slice.length, 0);
    const result = libbpf.bpf_map_update_batch(map.fd, keys, values, count, opts(flags));
    if (result === 0) continue;
    if (start > 0 || !lacksBatches(result)) check(result, 'Set entries of', map.what);
    for (const [key, value] of entries) map.set(key, value, mode);
    return;
  }
}

export function batchDelete(map: BpfMap, keys: readonly Buffer[]): number {
  let deleted = 0;
  for (let start = 0; start < keys.length;) {
    const slice = keys.slice(start, start + page);
    const count = Buffer.alloc(4);
    count.writeUInt32LE(slice.length, 0);
    const result = libbpf.bpf_map_delete_batch(map.fd, Buffer.concat(slice), count, opts(0n));
    if (result < 0 && start === 0 && lacksBatches(result))
      return keys.filter((key) => map.tryDelete(key)).length;
    if (result !== -ENOENT) check(result, 'Delete entries of', map.what);
    const done = count.readUInt32LE(0);
    deleted += done;
    // At a key that is not there the kernel stops: go on behind it.
    start += result === -ENOENT ? done + 1 : slice.length;
  }
  return deleted;
}
