import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a program prints that runs in an empty folder's stead in the package itself; its end is its own. */
const node = (script: string): string =>
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' });

/** All files of the package that come with one of them. */
function graph(entry: string): string[] {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const imports = readFileSync(join(root, file), 'utf8').matchAll(
      /(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g,
    );
    for (const [, name = ''] of imports) visit(join(dirname(file), name));
  };
  visit(entry);
  return [...seen];
}

describe.each([
  ['vwire/client', 'dist/src/client/index.js'],
  ['vwire/endpoint', 'dist/src/endpoint/index.js'],
])('%s', (name, file) => {
  test('loads the FFI and no libbpf, and holds no process open', () => {
    const script = `await import('${name}'); console.log((await import('node:fs')).readFileSync('/proc/self/maps', 'utf8'))`;
    const maps = node(script);
    expect(maps).toContain('koffi');
    expect(maps).not.toContain('libbpf');
  });

  test('brings nothing of the agent along', () => {
    const files = graph(file);
    expect(files.length).toBeGreaterThan(20);
    expect(
      files.filter((f) => /^dist\/(maps\/|src\/(cli\/|dataplane|agent\.)|loader\/(?!ffi))/.test(f)),
    ).toEqual([]);
  });
});

test('the examples are what the types say', () => {
  const flags = [
    '--noEmit',
    '--allowJs',
    '--checkJs',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
  ];
  const files = ['client', 'endpoint'].map((name) => `docs/examples/${name}.mjs`);
  const tsc = [
    'node_modules/typescript/bin/tsc',
    '--ignoreConfig',
    '--types',
    'node',
    '--skipLibCheck',
    ...flags,
    ...files,
  ];
  let said = '';
  try {
    execFileSync(process.execPath, tsc, { cwd: root, encoding: 'utf8' });
  } catch (error) {
    said = (error as { stdout: string }).stdout;
  }
  expect(said).toBe('');
}, 120_000);
