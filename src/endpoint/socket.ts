import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where an endpoint listens; `remove` takes away what was made for it. */
export interface SocketPlace {
  readonly path: string;
  remove(): void;
}

/** A given path, or one in a new directory that only this user may enter: the agent gets the descriptor. */
export function socketPlace(given: string | undefined): SocketPlace {
  if (given !== undefined) return { path: given, remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'vwire-nse-'));
  return {
    path: join(folder, 'nse.sock'),
    remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
