// Compares: npm run bench -- local|scale|control|profile|spread [options]. Runs in test/sandbox.sh; what an interrupted run
// leaves goes with the sandbox, because the SIGKILL reaches every process in it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { removeMemoryCgroup } from '../../test/bench/cgroup.mjs';

const [kind = 'local', ...rest] = process.argv.slice(2);
const script = fileURLToPath(new URL(`../../test/bench/${kind}.mjs`, import.meta.url));
const kinds = ['local', 'scale', 'control', 'profile', 'spread'];
if (!kinds.includes(kind) || !existsSync(script)) {
  console.error(`vwire: there is no benchmark "${kind}": ${kinds.join(', ')} are allowed`);
  process.exit(2);
}
const cgroup = `vwire-bench-${process.pid}`;
const child = spawn('sh', ['test/sandbox.sh', process.execPath, script, ...rest], {
  stdio: 'inherit',
  env: { ...process.env, VWIRE_BENCH_CGROUP: cgroup },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    child.kill('SIGKILL');
    process.exitCode = 130;
  });
child.on('exit', (status) => {
  process.exitCode ??= status ?? 1;
  removeMemoryCgroup(cgroup);
});
