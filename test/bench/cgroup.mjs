// A memory cgroup for the agent: kernel memory (devices, maps) is charged to whoever makes it, and RSS shows
// none of it. cgroups know no namespace of ours, so whoever starts the run removes what a killed one left.
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';

const top = '/sys/fs/cgroup';
const file = (name) => readFileSync(name, 'utf8').trim();

/** Where version 1 or 2 keeps the memory controller, below the cgroup of this process; null: nowhere. */
function parent() {
  const lines = file('/proc/self/cgroup')
    .split('\n')
    .map((line) => line.split(':'));
  const first = lines.find(([, controllers]) => controllers.split(',').includes('memory'));
  const place = first ? `${top}/memory${first[2]}` : top;
  if (first) return existsSync(place) ? place : null;
  // Version 2 allows no processes beside controlled children but at the top.
  return existsSync(`${top}/cgroup.subtree_control`) &&
    file(`${top}/cgroup.subtree_control`).split(' ').includes('memory')
    ? top
    : null;
}

/** The directory of a new memory cgroup, or null where this machine does not let us make one. */
export function makeMemoryCgroup(name) {
  const place = parent();
  if (place === null) return null;
  const directory = `${place}/${name}`;
  try {
    mkdirSync(directory);
  } catch (error) {
    if (['EROFS', 'EACCES', 'EPERM'].includes(error.code)) return null;
    throw error;
  }
  return directory;
}

/** Bytes charged, user and kernel memory together. */
export function chargedBytes(directory) {
  const second = `${directory}/memory.current`;
  return Number(file(existsSync(second) ? second : `${directory}/memory.usage_in_bytes`));
}

/** Removes it once its processes have ended; nothing happens if it is not there. */
export function removeMemoryCgroup(name) {
  const directory = `${parent()}/${name}`;
  try {
    if (existsSync(directory)) rmdirSync(directory);
  } catch (error) {
    // Busy until the last process of the sandbox is gone; an empty cgroup costs nothing.
    if (error.code !== 'EBUSY') throw error;
  }
}
