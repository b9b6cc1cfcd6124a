import type { Passed } from './passed.ts';

/**
 * How many descriptors one origin may have open here. What is slow to close is closed on one pool thread at a
 * time and counts until it is: an origin whose file system never answers hurts no other.
 */
export class Room {
  readonly #limit: number;
  readonly #onIdle: () => void;
  readonly #closing: Passed[] = [];
  #kept = 0;
  #busy = false;

  /** `onIdle` is called whenever nothing is kept or closing any more. */
  constructor(limit: number, onIdle: () => void = () => undefined) {
    this.#limit = limit;
    this.#onIdle = onIdle;
  }

  get full(): boolean {
    return this.#kept + this.#closing.length >= this.#limit;
  }

  /** Closing does not keep up with what comes, so nothing more may come. */
  get stuck(): boolean {
    return this.#closing.length >= this.#limit;
  }

  get idle(): boolean {
    return this.#kept + this.#closing.length === 0;
  }

  keep(): void {
    this.#kept++;
  }

  /** Closes what was kept. */
  release(file: Passed): void {
    this.#kept--;
    this.refuse(file);
  }

  /** Closes what was not kept. */
  refuse(file: Passed): void {
    if (file.closesSlowly) {
      this.#closing.push(file);
      void this.#close();
    } else {
      file.close();
      if (this.idle) this.#onIdle();
    }
  }

  async #close(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let file = this.#closing[0]; file !== undefined; file = this.#closing[0]) {
      await file.closeAsync();
      this.#closing.shift();
    }
    this.#busy = false;
    if (this.idle) this.#onIdle();
  }
}
