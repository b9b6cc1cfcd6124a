// Runs jest for one project in ESM mode: node scripts/jest.mjs unit|root|vm [jest options]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// A run that hangs has failed; a soak takes as long as it takes.
const minutes = { unit: 5, root: 20 }[process.argv[2]] ?? 0;
const timeout = process.env.VWIRE_SOAK ? 0 : minutes * 60_000;

const [project, ...rest] = process.argv.slice(2);
const jest = fileURLToPath(new URL('../node_modules/jest/bin/jest.js', import.meta.url));
const { status, signal } = spawnSync(
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
  { stdio: 'inherit', timeout, killSignal: 'SIGKILL' },
);
if (signal) console.error(`vwire: jest was ended by ${signal}`);
process.exit(status ?? 1);
