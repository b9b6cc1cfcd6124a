// The product's agent as a process of its own, and what the kernel says about it.
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { start } from './process.mjs';

const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));
const patience = 20_000;

export const unavailable = () =>
  existsSync(main) ? null : 'there is no dist/src/main.js: run `npm run build`';

/** A command line of the product, for one instance. */
export const vwire = (instance, verb, args = []) => [
  process.execPath,
  main,
  ...verb,
  '--instance',
  instance,
  ...args,
];

/** Starts an agent, in `cgroup` (a directory) unless null, with options of Node; resolves when it answers. */
export async function startAgent(instance, { args = [], cgroup = null, node = [] } = {}) {
  const readyFile = `/run/${instance}.ready`;
  rmSync(readyFile, { force: true }); // of an agent that was killed
  const [program, ...words] = vwire(
    instance,
    ['agent'],
    ['--log-level', 'warn', '--ready-file', readyFile, ...args],
  );
  const command = [program, ...node, ...words];
  // 0 is whoever writes; sh becomes the agent.
  const enter = ['sh', '-c', 'echo 0 >"$0"/cgroup.procs && exec "$@"', cgroup];
  const agent = start(cgroup === null ? command : [...enter, ...command]);
  const end = Date.now() + patience;
  while (!existsSync(readyFile)) {
    if (!agent.alive()) throw new Error(`The agent ended: ${agent.said()}`);
    if (Date.now() > end) {
      await agent.stop('SIGKILL');
      throw new Error(`The agent was not ready within ${patience / 1000} s: ${agent.said()}`);
    }
    await wait(10);
  }
  return {
    pid: agent.pid,
    socketPath: `/run/vwire/${instance}/admin.sock`,
    pins: `/sys/fs/bpf/vwire/${instance}/v1`,
    alive: agent.alive,
    said: agent.said,
    stop: agent.stop,
  };
}

/** Bytes of resident memory, and the most there ever was. */
export function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0) * 1024;
  return { now: of('VmRSS'), peak: of('VmHWM') };
}

export const openFiles = (pid) => readdirSync(`/proc/${pid}/fd`).length;

/** CPU-seconds of the process, all its threads. */
export function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (utime + stime) / 100;
}
