import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BpfMap } from '../../loader/map.ts';
import type { BpfObject } from '../../loader/object.ts';
import {
  tables,
  type CounterTable,
  type DropTable,
  type HopTable,
  type NodeTable,
} from '../../maps/table.ts';

/** Maps an object gets from the pins instead of making its own. */
export const sharedMaps = ['hops', 'counters', 'drops'] as const;

export const mapPath = (directory: string, name: string): string => join(directory, name);

/**
 * Points the object's maps at the pinned ones, and sizes those that do not exist yet. The returned
 * function, called after the load, pins what the load created.
 */
export function bindMaps(
  object: BpfObject,
  directory: string,
  sizes: Readonly<Record<string, number>>,
): { loaded: () => void } {
  const created: string[] = [];
  for (const name of object.mapNames) {
    const map = object.map(name);
    if (map.isInternal) continue; // globals belong to their program
    if (existsSync(mapPath(directory, name))) {
      const pinned = BpfMap.openPinned(mapPath(directory, name));
      try {
        map.reuse(pinned);
      } finally {
        pinned.close();
      }
      continue;
    }
    const size = sizes[name];
    if (size !== undefined) map.setMaxEntries(size);
    created.push(name);
  }
  return {
    loaded() {
      for (const name of created) {
        const map = object.takeMap(name);
        try {
          map.pin(mapPath(directory, name));
        } finally {
          map.close();
        }
      }
    },
  };
}

/** Opens the node's map, which tc_hop's object made. Wire 0 means "no wire known": ids begin at 1. */
export function openNode(directory: string): NodeTable {
  const table = tables.node(BpfMap.openPinned(mapPath(directory, 'node')));
  if (table.get(0)?.nextWire === 0) table.set(0, { nextWire: 1 });
  return table;
}

export interface SharedTables {
  hops: HopTable;
  counters: CounterTable;
  drops: DropTable;
}

/** Opens the pinned shared tables. Whoever opens them closes them. */
export function openShared(directory: string, readOnly: boolean): SharedTables {
  const open = (name: string): BpfMap => BpfMap.openPinned(mapPath(directory, name), { readOnly });
  return {
    hops: tables.hops(open('hops')),
    counters: tables.counters(open('counters')),
    drops: tables.drops(open('drops')),
  };
}
