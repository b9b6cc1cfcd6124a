import type { Joined } from './joined.ts';
import type { SharedTables } from './kernel-maps.ts';
import type { LossWatch } from './losses.ts';
import { sides } from './port.ts';

/** Removes the entries that none of these wires needs: of wires nobody knows, and of devices they had before. */
export function keepEntries(
  wires: readonly Joined[],
  { hops, counters, drops }: SharedTables,
  watch: LossWatch | null,
): void {
  const known = new Set(wires.map(({ id }) => id));
  const ports = new Map(wires.flatMap((wire) => sides.map((side) => [wire[side].ifindex, wire.id])));
  for (const [key, hop] of hops.entries()) if (ports.get(key.ifindex) !== hop.wire) hops.delete(key);
  for (const [key] of counters.entries()) if (!known.has(key.wire)) counters.delete(key);
  for (const [key] of drops.entries()) if (key.wire !== 0 && !known.has(key.wire)) drops.delete(key);
  watch?.keepOnly(wires.flatMap((wire) => sides.map((side) => wire[side])));
}
