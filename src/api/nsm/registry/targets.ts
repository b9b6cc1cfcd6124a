import type { FileIdentity } from '../../../file-identity.ts';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Where an endpoint is dialled, and how to let go of it, once. */
export interface Target {
  url: string;
  release: () => void;
}

interface Held {
  fd: number;
  count: number;
}

/**
 * Sockets' files that are held by descriptors, each under a path of its own: a link to the descriptor. To dial
 * `/proc/self/fd/N` itself would reach somebody else's socket once the number is used again. The path is the same for
 * the same endpoint at the same socket, also of another agent, and is gone with the last who holds it.
 */
export class Targets {
  readonly #directory: string;
  readonly #held = new Map<string, Held>();

  /** Takes the directory over: the links of an earlier agent lead to its descriptors, which are no more. */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
  }

  /** Takes the descriptor over, which is of the file with this identity. */
  hold(endpoint: string, fd: number, { dev, inode }: FileIdentity): Target {
    const name = createHash('sha256').update(`${dev}:${inode}:${endpoint}`).digest('hex').slice(0, 16);
    const path = join(this.#directory, name);
    const known = this.#held.get(path);
    if (known !== undefined) closeSync(fd);
    const held = known ?? this.#link(path, fd);
    held.count += 1;
    let open = true;
    return {
      url: `unix://${path}`,
      release: () => {
        if (open) this.#release(path, held);
        open = false;
      },
    };
  }

  /** How many descriptors are held. */
  get count(): number {
    return this.#held.size;
  }

  #link(path: string, fd: number): Held {
    try {
      symlinkSync(`/proc/self/fd/${fd}`, path);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    const held = { fd, count: 0 };
    this.#held.set(path, held);
    return held;
  }

  #release(path: string, held: Held): void {
    held.count -= 1;
    if (held.count > 0) return;
    this.#held.delete(path);
    rmSync(path, { force: true });
    closeSync(held.fd);
  }
}
