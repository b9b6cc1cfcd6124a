import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Climbs to the package, since this file runs from its source as well as from dist/. */
function packageDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error('The package.json of vwire is not above its own code');
    directory = parent;
  }
  return directory;
}

export const objectNames = ['tc_hop', 'xdp_hop', 'lost'] as const;
export type ObjectName = (typeof objectNames)[number];

export interface ObjectFile {
  name: string;
  bytes: Buffer;
  /** First 16 hex digits of its SHA-256: tells one program version from another. */
  digest: string;
}

/** Reads a prebuilt BPF object, such as `tc_hop`. */
export function readObject(name: ObjectName): ObjectFile {
  const path = join(packageDirectory(), 'dist', 'bpf', `${name}.bpf.o`);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new Error(`BPF object '${path}' cannot be read; npm run build makes it`, { cause });
  }
  return { name, bytes, digest: createHash('sha256').update(bytes).digest('hex').slice(0, 16) };
}
