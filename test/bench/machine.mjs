// The machine's line, and how busy it was.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { run } from './process.mjs';

const TICKS_PER_SECOND = 100;

/** What JSON and tables carry to say where figures come from. */
export function describeMachine() {
  const [first] = cpus();
  return { machine: `${first?.model ?? 'unknown CPU'}, ${cpus().length} CPUs`, kernel: release() };
}

/** The line that stands above figures: whose they are, when taken, `about` what. */
export function machineLine(about) {
  const { machine, kernel } = describeMachine();
  const day = new Date().toISOString().slice(0, 10);
  return `${machine}; Linux ${kernel}; ${day}; ${about}; load before: ${loadavg()[0].toFixed(2)}`;
}

/** CPU-seconds spent on anything, by the whole machine, since boot; time stolen from it is not its own. */
export function busySeconds() {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user, nice, system, , , irq, softirq] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

/** Runs `work` and returns its result with the mean number of busy CPUs. */
export async function measured(work) {
  const before = { busy: busySeconds(), at: process.hrtime.bigint() };
  const result = await work();
  const seconds = Number(process.hrtime.bigint() - before.at) / 1e9;
  return { result, cpu: (busySeconds() - before.busy) / seconds };
}

/** A sysfs that shows the devices of the run's own namespace: /sys is of the machine's. Goes with the sandbox. */
export async function mountSysfs() {
  const place = '/run/bench-sysfs';
  if (existsSync(place)) return place;
  mkdirSync(place);
  await run(['mount', '-t', 'sysfs', 'sysfs', place]);
  return place;
}
