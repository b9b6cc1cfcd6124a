import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM says that there is one.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function ownerOf(path: string): number | null {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The file that says that an agent answers; it holds the agent's pid. */
export class ReadyFile {
  readonly #path: string;

  /**
   * Removes what a killed agent left, which would speak for this one. A living agent's stays: it is about
   * to refuse us.
   */
  constructor(path: string) {
    this.#path = path;
    const owner = ownerOf(path);
    if (owner === null) return;
    // In a container a restarted agent often has the pid of the one before.
    const living = Number.isInteger(owner) && owner > 0 && owner !== process.pid && isAlive(owner);
    if (!living) this.remove();
  }

  /** Whoever waits for the file never sees it half written. */
  write(): void {
    writeFileSync(`${this.#path}.new`, `${process.pid}\n`);
    renameSync(`${this.#path}.new`, this.#path);
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
