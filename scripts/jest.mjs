// Runs jest for one project in ESM mode: node scripts/jest.mjs unit|root|vm [jest options]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [project, ...rest] = process.argv.slice(2);
const jest = fileURLToPath(new URL('../node_modules/jest/bin/jest.js', import.meta.url));
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    jest,
    ...rest,
    // Last, since it takes every word that follows it for a project.
    '--selectProjects',
    project,
  ],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
