// Everything that can be said about the tree without root and without building it: node scripts/check.mjs
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runProgram, runSteps } from './check/step.mjs';
import { isC, isGenerated, treeAt } from './check/tree.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
if (!existsSync('node_modules/typescript')) {
  console.error('vwire: npm packages are missing: install them with `npm run setup -- check`, as root once');
  process.exit(1);
}
const { findings } = await import('./check/rules.mjs');

const tree = treeAt('.');
const cFiles = tree.files.filter((f) => isC(f) && !isGenerated(f));
// What these tools make is mostly short-lived: collected less often, it costs them a tenth less.
const node = (script, ...args) => runProgram([process.execPath, '--max-semi-space-size=64', script, ...args]);
const nothing = Promise.resolve({ ok: true, output: '' });

// Longest first, so that the short ones fill the gaps. No tool keeps a cache: one in the tree would be
// left there root-owned by a root run and break the next unprivileged one.
const steps = [
  {
    name: 'eslint',
    run: () => node('node_modules/eslint/bin/eslint.js', '--no-inline-config', '--max-warnings=0', '.'),
  },
  // Two at a time: some of them wait for what takes its time.
  { name: 'unit tests', run: () => node('scripts/jest.mjs', 'unit', '--maxWorkers=2') },
  { name: 'tsc', run: () => node('node_modules/typescript/bin/tsc', '-p', '.') },
  { name: 'prettier', run: () => node('node_modules/prettier/bin/prettier.cjs', '--check', '.') },
  {
    name: 'clang-format',
    run: () =>
      cFiles.length === 0
        ? nothing
        : runProgram(
            ['clang-format-14', '--dry-run', '-Werror', ...cFiles],
            'clang-format-14 is missing: install it with `npm run setup -- check` as root',
          ),
  },
  {
    name: 'rules',
    run: () => {
      const found = findings(tree);
      return Promise.resolve({ ok: found.length === 0, output: found.join('\n') });
    },
  },
];

const results = await runSteps(steps, ({ name, ok, output, seconds }) => {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(14)}${seconds.toFixed(1).padStart(6)} s`);
  for (const line of output.split('\n')) if (line.startsWith('SKIP ')) console.log(line);
});

const failed = results.filter(({ ok }) => !ok);
for (const { name, output } of failed) console.log(`\n--- ${name}\n${output.trim()}`);
if (failed.length > 0) {
  console.log(`\ncheck: ${failed.map(({ name }) => name).join(', ')} failed`);
  process.exit(1);
}
