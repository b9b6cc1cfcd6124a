// The tests that need root, inside test/sandbox.sh. Extra arguments go to jest.
import { spawnSync } from 'node:child_process';

const { status } = spawnSync(
  'sh',
  ['test/sandbox.sh', process.execPath, 'scripts/jest.mjs', 'root', ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exit(status ?? 1);
