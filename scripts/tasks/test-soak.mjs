// The root tests that repeat and draw at random, for long: VWIRE_N is 1,000 unless set. Extra arguments go to
// jest. What a run found goes into docs/reliability.md with its date, kernel and seed.
import { spawnSync } from 'node:child_process';
import { release } from 'node:os';

const env = { ...process.env, VWIRE_N: process.env.VWIRE_N ?? '1000', VWIRE_SOAK: '1' };
console.error(`vwire: soak with VWIRE_N=${env.VWIRE_N} on ${release()}`);
const patterns = process.argv.length > 2 ? process.argv.slice(2) : ['test/wire'];
const { status } = spawnSync(process.execPath, ['scripts/tasks/test-root.mjs', ...patterns], {
  stdio: 'inherit',
  env,
});
process.exit(status ?? 1);
