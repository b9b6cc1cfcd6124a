import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ffi } from '../../loader/ffi/select.ts';

const flock = ffi.open(null).fn('flock', 'i32', ['i32', 'i32']);
// <sys/file.h>
const LOCK_EX_NB = 2 | 4;

/** Two agents under one instance name would undo each other's work. */
export class InstanceBusy extends Error {
  override readonly name = 'InstanceBusy';
}

/**
 * The lock of an instance, held as long as the process lives: the kernel lets go of it however that
 * ends. It covers the pins as well as the state, since two agents may share one and not the other.
 */
export class InstanceLock {
  readonly #fds: number[] = [];

  private constructor(paths: readonly string[], instance: string) {
    try {
      for (const path of paths) {
        const fd = openSync(path, path.endsWith('/lock') ? 'a+' : 'r', 0o600);
        this.#fds.push(fd);
        if (flock(fd, LOCK_EX_NB) < 0)
          throw new InstanceBusy(`Instance '${instance}' has an agent already (${holder(paths)})`);
      }
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** The directories exist; `pins` is the instance's directory on bpffs. */
  static take(instance: string, instanceDirectory: string, pins: string): InstanceLock {
    mkdirSync(instanceDirectory, { recursive: true, mode: 0o700 });
    const file = join(instanceDirectory, 'lock');
    const lock = new InstanceLock([file, pins], instance);
    writeFileSync(file, `${process.pid}\n`);
    return lock;
  }

  /** Harmless when repeated. */
  release(): void {
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }
}

function holder([file = '']: readonly string[]): string {
  const pid = readFileSync(file, 'utf8').trim();
  return pid === '' ? 'no pid known' : `pid ${pid}`;
}
