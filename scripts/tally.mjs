// A jest reporter: ends every run with what was skipped and why, and one line of counts. A skipped test
// without a reason (see test/skip.ts) fails the run. With VWIRE_TALLY=FILE the counts are also appended
// there, a JSON line a run, so that one command made of several runs can end with their sum.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

const mark = /^(.*?) \[SKIP: (.*?)\]/;

export const countsOf = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** The sum over the runs in a tally file; of the same run made twice the last one counts. */
export function sumOf(file) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
  const runs = new Map(lines.map((line) => JSON.parse(line)).map((run) => [run.label, run]));
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const run of runs.values()) for (const key of Object.keys(sum)) sum[key] += run[key];
  return sum;
}

/** Titles of what did not run: `[['title (N tests)', reason]]`, and those that give no reason. */
export function skipsOf(results) {
  const reasons = new Map();
  const silent = [];
  for (const { testResults } of results.testResults)
    for (const { status, fullName } of testResults) {
      if (status !== 'pending' && status !== 'todo') continue;
      const [, title, reason] = mark.exec(fullName) ?? [];
      if (title === undefined) silent.push(fullName);
      else reasons.set(title, { reason, count: (reasons.get(title)?.count ?? 0) + 1 });
    }
  const told = [...reasons].map(([title, { reason, count }]) =>
    count === 1 ? `SKIP ${title}: ${reason}` : `SKIP ${title} (${count} tests): ${reason}`,
  );
  const skipped = [...reasons.values()].reduce((sum, { count }) => sum + count, 0);
  return { told, silent, skipped };
}

export default class Tally {
  #config;
  #error;

  constructor(config) {
    this.#config = config;
  }

  onRunComplete(contexts, results) {
    const { told, silent, skipped } = skipsOf(results);
    // With -t everything else is pending too, and is no skip.
    if (silent.length > 0 && !this.#config.testNamePattern)
      this.#error = new Error(`skipped without a reason, see test/skip.ts: ${silent.join('; ')}`);
    const run = {
      label: [
        ...[...contexts].map(({ config }) => config.displayName?.name ?? ''),
        process.version,
        process.env.VWIRE_FFI ?? '',
      ].join(' '),
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped,
    };
    for (const line of told) console.log(line);
    if (this.#error) console.log(this.#error.message);
    console.log(countsOf(run));
    if (process.env.VWIRE_TALLY) appendFileSync(process.env.VWIRE_TALLY, `${JSON.stringify(run)}\n`);
  }

  getLastError() {
    return this.#error;
  }
}
