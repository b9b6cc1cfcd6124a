import { readFileSync } from 'node:fs';

/** The version in the nearest package.json above this file: it lies two folders deeper once built. */
export function version(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
      if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
        return String(manifest.version);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
    if (folder.pathname === '/') throw new Error(`No package.json above '${import.meta.url}'`);
  }
}
