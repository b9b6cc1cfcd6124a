// The tests of test/vm on other kernels, one VM and one jest after another:
// npm run test:vm -- [KERNEL...] [jest options]. Without a name, the default kernels of test/vm/kernels.tsv.
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { countsOf } from '../tally.mjs';

const OUT_OF_TIME = 124;
const VM_DIED = 125;
const CANNOT = 77;
const SECONDS = 600;

const table = readFileSync('test/vm/kernels.tsv', 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t'));
const known = table.map(([name]) => name);
const args = process.argv.slice(2);
const named = args.filter((arg) => known.includes(arg));
const unknown = args.find((arg) => /^\d+\.\d+$/.test(arg) && !known.includes(arg));
if (unknown !== undefined) {
  console.error(`vwire: no kernel "${unknown}": ${known.map((k) => `"${k}"`).join(', ')} are allowed`);
  process.exit(2);
}
const kernels =
  named.length > 0 ? named : table.filter(([, , , when]) => when === 'default').map(([name]) => name);
const jestArgs = args.filter((arg) => !known.includes(arg));

let child = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    child?.kill('SIGTERM');
    process.exit(130);
  });

/** Dies with this process, also when that is killed. `said` is the end of stderr, `report` descriptor 3. */
const run = (...command) =>
  new Promise((resolve, reject) => {
    let said = '';
    let report = '';
    child = spawn('setpriv', ['--pdeathsig', 'KILL', 'sh', ...command], {
      stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
    });
    child.stderr.on('data', (chunk) => {
      process.stderr.write(chunk);
      said = (said + chunk).slice(-2000);
    });
    child.stdio[3].on('data', (chunk) => {
      report += chunk;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? 1, said, report }));
  });

const passedOn = ['VWIRE_FFI', 'VWIRE_N', 'VWIRE_SEED'].filter((name) => process.env[name] !== undefined);

const testOn = (kernel) =>
  run(
    ...['test/vm/run.sh', '-t', String(SECONDS), kernel, 'env'],
    ...[
      'CI=true',
      `VWIRE_VM_KERNEL=${kernel}`,
      `VWIRE_VM_NODE=${process.version}`,
      'VWIRE_TALLY=/dev/report',
    ],
    ...passedOn.map((name) => `${name}=${process.env[name]}`),
    // The VM's output is a terminal, and on a terminal jest moves the cursor; here it writes into a log.
    ...['bash', '-o', 'pipefail', '-c', '"$@" 2>&1 | cat', 'vm'],
    ...[process.execPath, 'scripts/jest.mjs', 'vm', '--runInBand', '--testTimeout=60000', ...jestArgs],
  );

/** What scripts/tally.mjs wrote at the end of jest, if jest came to its end. */
function countsIn(report) {
  const { passed, failed, skipped } =
    report === '' ? { passed: 0, failed: 0, skipped: 0 } : JSON.parse(report);
  return { passed, failed, skipped };
}

function resultOf(status, { passed }) {
  if (status === OUT_OF_TIME) return `out of ${SECONDS} s`;
  if (status === VM_DIED) return 'the VM died';
  return status === 0 && passed > 0 ? 'ok' : 'FAILED';
}

async function main() {
  const provision = await run('test/vm/provision.sh', ...kernels);
  if (provision.status === CANNOT) {
    console.log(
      `SKIP test:vm: ${provision.said
        .trim()
        .split('\n')
        .at(-1)
        .replace(/^vwire: /, '')}`,
    );
    if (process.env.VWIRE_VM === 'optional') return 0;
    console.log('Without test VMs this run proves nothing and fails; VWIRE_VM=optional lets it pass');
    return 1;
  }
  if (provision.status !== 0) return 1;

  const lines = [];
  let worst = 0;
  for (const kernel of kernels) {
    console.log(`\n== Linux ${kernel}`);
    const from = Date.now();
    let { status, report } = await testOn(kernel);
    if (status === VM_DIED) {
      console.log(`vwire: the VM with Linux ${kernel} died, which is no result: once more`);
      ({ status, report } = await testOn(kernel));
    }
    const counts = countsIn(report);
    const result = resultOf(status, counts);
    if (result !== 'ok') worst = 1;
    const seconds = ((Date.now() - from) / 1000).toFixed(1);
    lines.push(`Linux ${kernel.padEnd(6)} ${result.padEnd(12)} ${countsOf(counts)}  ${seconds} s`);
    console.log(lines.at(-1));
    if (process.env.VWIRE_TALLY)
      appendFileSync(process.env.VWIRE_TALLY, `${JSON.stringify({ label: `vm ${kernel}`, ...counts })}\n`);
  }
  console.log(`\n${lines.join('\n')}`);
  return worst;
}

process.exitCode = await main();
