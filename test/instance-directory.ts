import { afterEach } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** What an agent keeps its state in, empty; gone after the test. */
export function instanceDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'vwire-state-'));
  directories.push(directory);
  return directory;
}
