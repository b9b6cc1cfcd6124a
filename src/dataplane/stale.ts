import type { WatchedTable } from '../../maps/table.ts';
import type { Joined } from './joined.ts';
import type { SharedTables } from './kernel-maps.ts';
import { watchedKeys } from './losses.ts';
import { sides } from './port.ts';

/** Removes the entries that none of these wires needs: of wires nobody knows, and of devices they had before. */
export function keepEntries(
  wires: readonly Joined[],
  { hops, counters, drops }: SharedTables,
  watched: WatchedTable | null,
): void {
  const known = new Set(wires.map(({ id }) => id));
  const ports = new Map(wires.flatMap((wire) => sides.map((side) => [wire[side].ifindex, wire.id])));
  for (const [key, hop] of hops.entries()) if (ports.get(key.ifindex) !== hop.wire) hops.delete(key);
  for (const [key] of counters.entries()) if (!known.has(key.wire)) counters.delete(key);
  for (const [key] of drops.entries()) if (key.wire !== 0 && !known.has(key.wire)) drops.delete(key);
  if (!watched) return;
  const ends = new Set(wires.flatMap((wire) => sides.flatMap((side) => watchedKeys(wire[side]).map(nameOf))));
  for (const [key] of watched.entries()) if (!ends.has(nameOf(key))) watched.delete(key);
}

const nameOf = ({ netns, ifindex }: { netns: number; ifindex: number }): string => `${netns}:${ifindex}`;
