import type { DropTable } from '../../maps/table.ts';

/** Forgets what was dropped on wires. The table has no index by wire: each sweep reads all of it. */
export class DropSweep {
  readonly #drops: DropTable;
  #wires = new Set<number>();
  #next: Promise<void> | null = null;

  constructor(drops: DropTable) {
    this.#drops = drops;
  }

  /** Settles when it is forgotten, by one sweep for all that is asked for in the same turn of the event loop. */
  forget(wire: number): Promise<void> {
    this.#wires.add(wire);
    this.#next ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.finish();
    });
    return this.#next;
  }

  /** At once, for who cannot wait for its turn: an open wire is not answered for before. */
  forgetNow(wire: number): void {
    this.#wires.add(wire);
    this.finish();
  }

  /** Does at once what is still to be done. Call it before the table is closed. */
  finish(): void {
    const wires = this.#wires;
    this.#wires = new Set();
    this.#next = null;
    if (wires.size === 0) return;
    for (const [key] of this.#drops.entries()) if (wires.has(key.wire)) this.#drops.delete(key);
  }
}
