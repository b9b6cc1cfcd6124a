// The README's test command: unit tests, then the tests that need root. Extra arguments go to both, and
// may match tests in one of them only.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countsOf, sumOf } from '../tally.mjs';

const args = [...process.argv.slice(2), '--passWithNoTests'];
const folder = mkdtempSync(join(tmpdir(), 'vwire-test-'));
const tally = join(folder, 'tally');
const env = { ...process.env, VWIRE_TALLY: tally };
let status = 0;
for (const command of [
  ['scripts/jest.mjs', 'unit', ...args],
  ['scripts/tasks/test-root.mjs', ...args],
]) {
  status = spawnSync(process.execPath, command, { stdio: 'inherit', env }).status ?? 1;
  if (status !== 0) break;
}
const sum = sumOf(tally);
console.log(countsOf(sum));
if (sum.passed + sum.failed + sum.skipped === 0) status ||= 1;
if (process.env.VWIRE_TALLY && existsSync(tally))
  appendFileSync(process.env.VWIRE_TALLY, readFileSync(tally, 'utf8'));
rmSync(folder, { recursive: true });
process.exit(status);
