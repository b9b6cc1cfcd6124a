// Processes of a run: each is known here until it has ended, so that nothing outlives an interrupted run.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { clearTimeout, setTimeout } from 'node:timers';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const running = new Set();

/** nsenter, not `ip netns exec`: that one remounts /sys and hides bpffs. */
const inside = (netns, command) =>
  netns === null ? command : ['nsenter', `--net=/run/netns/${netns}`, ...command];

/** The line that says why, of what may be a page. */
function gist(text) {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.find((line) => /^vwire: |^[A-Za-z]*Error\b/.test(line)) ?? lines[0] ?? null;
}

/** Runs to the end and returns stdout; throws with what the command said. At most 60 s. */
export async function run(command, netns = null) {
  const [file, ...args] = inside(netns, command);
  try {
    const { stdout } = await execute(file, args, { timeout: 60_000, killSignal: 'SIGKILL' });
    return stdout;
  } catch (error) {
    const said = gist(String(error.stderr ?? '')) ?? error.message;
    throw new Error(`'${command.join(' ')}' failed: ${said}`, { cause: error });
  }
}

/**
 * Starts a process and keeps it until `stop`. `ready` resolves at the first line of stdout and throws if it
 * ends before. `stop(signal)` resolves to everything it printed; SIGKILL follows after 15 s.
 */
export function start(command, { netns = null, input = null } = {}) {
  const [file, ...args] = inside(netns, command);
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  let failure = null;
  running.add(child);
  child.on('error', (error) => (failure = error));
  // A process that reads nothing may be gone before it was written to.
  child.stdin.on('error', () => undefined);
  if (input !== null) child.stdin.end(input);
  const closed = once(child, 'close')
    .catch(() => undefined)
    .finally(() => running.delete(child));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-4000)));
  const firstLine = new Promise((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      if (stdout.includes('\n')) resolve(true);
    });
    void closed.then(() => resolve(false));
  });
  const said = () => failure?.message ?? gist(stderr) ?? gist(stdout) ?? 'nothing';
  return {
    pid: child.pid,
    ready: async () => {
      if (!(await firstLine)) throw new Error(`'${command.join(' ')}' ended before it was ready: ${said()}`);
    },
    alive: () => running.has(child),
    said,
    ended: async () => {
      await closed;
      return stdout;
    },
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await closed;
      clearTimeout(timer);
      return stdout;
    },
  };
}

export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

/** The last line that is JSON. */
export function resultOf(text) {
  const line = text.trim().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new Error(`No result in '${text.trim()}'`, { cause: error });
  }
}
