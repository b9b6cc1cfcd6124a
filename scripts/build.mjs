// Builds what is not current: node scripts/build.mjs [js|bpf|c]. Everything lands in dist/.
// A part is current when the hash of its sources and of its recipe equals the one its last build left.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

const walk = (dir, keep) =>
  readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((e) => e.isFile() && keep(e.name))
    .map((e) => join(e.parentPath ?? e.path, e.name))
    .sort();
const run = (command, args) => execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });

const isC = (name) => /\.[ch]$/.test(name);
const bpfObjects = () => walk('bpf', (n) => n.endsWith('.bpf.c'));
const hostPrograms = () =>
  [...walk('loader/relay', isC), ...walk('test/traffic', isC)].filter((f) => f.endsWith('.main.c'));

function buildJs() {
  for (const part of ['src', 'loader', 'maps']) rmSync(`dist/${part}`, { recursive: true, force: true });
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
}

/** Paths are mapped away and the object is re-linked by bpftool, so that two checkouts give equal bytes. */
export function compileBpf(source, object) {
  const arch = execFileSync('gcc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
  const flags = ['-target', 'bpf', '-O2', '-g', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter'];
  const paths = [
    `-I/usr/include/${arch}`,
    '-Ibpf',
    '-I.',
    `-ffile-prefix-map=${process.cwd()}=.`,
    '-fdebug-compilation-dir=.',
  ];
  run('clang', [...flags, ...paths, '-c', source, '-o', `${object}.raw`]);
  run('bpftool', ['gen', 'object', object, `${object}.raw`]);
  rmSync(`${object}.raw`);
}

function buildBpf() {
  rmSync('dist/bpf', { recursive: true, force: true });
  mkdirSync('dist/bpf', { recursive: true });
  for (const source of bpfObjects()) compileBpf(source, `dist/bpf/${basename(source).replace(/\.c$/, '.o')}`);
}

/** A program is its NAME.main.c and every other .c file of the same folder. */
const pieces = (main) => walk(dirname(main), (n) => n.endsWith('.c') && !n.endsWith('.main.c'));

function buildC() {
  rmSync('dist/bin', { recursive: true, force: true });
  mkdirSync('dist/bin', { recursive: true });
  const flags = ['-O2', '-g', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-pthread', '-I.'];
  for (const source of hostPrograms())
    run('gcc', [...flags, '-o', `dist/bin/${basename(source, '.main.c')}`, source, ...pieces(source)]);
}

const sources = (dirs, keep) => dirs.flatMap((d) => walk(d, keep));
const parts = {
  js: {
    files: () => [
      ...sources(['src', 'loader', 'maps'], (n) => n.endsWith('.ts') || n.endsWith('.proto')),
      'tsconfig.json',
      'tsconfig.build.json',
      'package-lock.json',
    ],
    build: buildJs,
  },
  bpf: { files: () => sources(['bpf', 'maps'], isC), build: buildBpf },
  c: { files: () => sources(['loader/relay', 'test/traffic'], isC), build: buildC },
};

function build(name) {
  const part = parts[name];
  const hash = createHash('sha256');
  for (const file of [...part.files(), 'scripts/build.mjs'])
    hash.update(file).update('\0').update(readFileSync(file));
  const stamp = `dist/.${name}`;
  const want = hash.digest('hex');
  let have = null;
  try {
    have = readFileSync(stamp, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  if (have === want) return;
  console.error(`vwire: building ${name}`);
  rmSync(stamp, { force: true });
  mkdirSync('dist', { recursive: true });
  part.build();
  writeFileSync(stamp, want);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wanted = process.argv.slice(2);
  try {
    for (const name of wanted.length > 0 ? wanted : Object.keys(parts)) build(name);
  } catch (error) {
    // A compiler has said what is wrong; a stack of ours would only push it out of sight.
    if (!('status' in error)) throw error;
    console.error(`vwire: ${error.message}`);
    process.exit(1);
  }
}
