// The README's test command: unit tests, then the tests that need root. Extra arguments go to both.
import { spawnSync } from 'node:child_process';

const args = process.argv.slice(2);
for (const [command, ...rest] of [
  [process.execPath, 'scripts/jest.mjs', 'unit', ...args],
  [process.execPath, 'scripts/tasks/test-root.mjs', ...args],
]) {
  const { status } = spawnSync(command, rest, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
