// Regenerates committed files: maps/layouts.gen.ts from BTF, and the gRPC messages from .proto files.
// node scripts/gen.mjs [--check]: with --check nothing is written and a difference fails.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { layoutsFromBtf } from './gen/layouts.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const check = process.argv.includes('--check');
const scratch = mkdtempSync(join(tmpdir(), 'vwire-gen-'));
const stale = [];

function settle(path, text) {
  const have = existsSync(path) ? readFileSync(path, 'utf8') : null;
  if (have === text) return;
  if (check) stale.push(path);
  else writeFileSync(path, text);
}

function layouts() {
  const arch = execFileSync('gcc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
  const object = join(scratch, 'layouts.o');
  execFileSync('clang', [
    '-target',
    'bpf',
    '-O2',
    '-g',
    '-Wall',
    '-Werror',
    `-I/usr/include/${arch}`,
    '-I.',
    '-c',
    'maps/layouts.bpf.c',
    '-o',
    object,
  ]);
  const btf = JSON.parse(
    execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', object], { encoding: 'utf8' }),
  );
  settle('maps/layouts.gen.ts', layoutsFromBtf(btf.types));
}

function messages() {
  const out = join(scratch, 'proto');
  const template = JSON.stringify({
    version: 'v2',
    plugins: [
      {
        local: 'node_modules/.bin/protoc-gen-es',
        out,
        opt: ['target=ts', 'import_extension=ts', 'erasable_syntax=true'],
      },
    ],
    inputs: [{ directory: 'src/api' }],
  });
  execFileSync('node_modules/.bin/buf', ['generate', '--template', template], { stdio: 'inherit' });
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath ?? entry.path, entry.name);
    settle(from.replace(out, 'src/api'), readFileSync(from, 'utf8'));
  }
}

try {
  layouts();
  if (existsSync('src/api')) messages();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (stale.length > 0) {
  console.error(`Stale generated files, run npm run gen: ${stale.join(', ')}`);
  process.exit(1);
}
