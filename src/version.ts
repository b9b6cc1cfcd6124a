import { existsSync, readFileSync } from 'node:fs';

/** The version in the nearest package.json above this file, which lies a folder deeper once built. */
export function version(): string {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('package.json', folder))) {
    if (folder.pathname === '/') throw new Error(`No package.json above '${import.meta.url}'`);
    folder = new URL('..', folder);
  }
  const manifest = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string };
  return manifest.version;
}
