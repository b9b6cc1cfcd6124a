// The demo, as a user of the built package would start it.
import { spawnSync } from 'node:child_process';

const { status } = spawnSync(process.execPath, ['dist/src/main.js', 'demo', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
