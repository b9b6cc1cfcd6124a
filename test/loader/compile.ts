import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// build.mjs is plain JavaScript without declarations: the specifier is a variable so that tsc does not look.
const builder: string = new URL('../../scripts/build.mjs', import.meta.url).href;
const { compileBpf } = (await import(builder)) as { compileBpf: (source: string, object: string) => void };

const directory = mkdtempSync(join(tmpdir(), 'vwire-loader-'));
process.on('exit', () => {
  rmSync(directory, { recursive: true, force: true });
});
const done = new Map<string, string>();

/** Compiles test/loader/bpf/NAME.bpf.c with the product's own flags, once a process; returns the object's path. */
export function compiled(name: string): string {
  let object = done.get(name);
  if (object === undefined) {
    object = join(directory, `${name}.bpf.o`);
    compileBpf(fileURLToPath(new URL(`bpf/${name}.bpf.c`, import.meta.url)), object);
    done.set(name, object);
  }
  return object;
}
