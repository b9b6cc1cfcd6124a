import { readdirSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { makePinDirectory } from '../../loader/pin.ts';

/** Changes with the map layout; release N reads N and N-1. */
export const SCHEMA = 1;

export interface PinPaths {
  /** `/sys/fs/bpf/vwire/INSTANCE` */
  readonly instance: string;
  readonly maps: string;
  readonly programs: string;
  readonly links: string;
}

/** Where an instance keeps its pins. The name has been checked to hold no dot or slash. */
export function pinPaths(bpffs: string, instance: string): PinPaths {
  const root = join(bpffs, 'vwire', instance);
  const schema = join(root, `v${SCHEMA}`);
  return {
    instance: root,
    maps: join(schema, 'maps'),
    programs: join(schema, 'programs'),
    links: join(schema, 'links'),
  };
}

export function makePinDirectories(paths: PinPaths): void {
  for (const directory of [paths.maps, paths.programs, paths.links]) makePinDirectory(directory);
}

/**
 * Unlinks every pin of an instance; its directory stays, since the lock is on it. Links end with their
 * pin, and programs and maps with the last link.
 */
export function emptyPins(paths: PinPaths): void {
  const empty = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        empty(path);
        rmdirSync(path);
      } else rmSync(path);
    }
  };
  empty(paths.instance);
}
