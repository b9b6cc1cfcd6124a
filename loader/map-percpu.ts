import { refuse } from './error.ts';
import { isPerCpu } from './kinds.ts';
import type { BpfMap, SetMode } from './map.ts';

/** One value per possible CPU, in the order of their numbers; each has info.valueSize bytes. */
export type CpuValues = readonly Buffer[];

/** A view of a per-CPU map that splits what the kernel hands out in a row; owns nothing. */
export class PerCpuMap {
  readonly #map: BpfMap;
  /** The kernel rounds each CPU's value up to 8 bytes. */
  readonly #stride: number;

  constructor(map: BpfMap) {
    if (!isPerCpu(map.info.type)) refuse('Split', map.what, `it is a ${map.info.type} map, not one per CPU`);
    this.#map = map;
    this.#stride = Math.ceil(map.info.valueSize / 8) * 8;
  }

  #split(row: Buffer): Buffer[] {
    const values: Buffer[] = [];
    for (let at = 0; at < row.length; at += this.#stride)
      values.push(row.subarray(at, at + this.#map.info.valueSize));
    return values;
  }

  get(key: Buffer): CpuValues | null {
    const row = this.#map.get(key);
    return row === null ? null : this.#split(row);
  }

  /** Wants a value for each possible CPU. */
  set(key: Buffer, values: CpuValues, mode: SetMode = 'any'): void {
    const { valueSize, transferSize } = this.#map.info;
    if (values.length * this.#stride !== transferSize || values.some((v) => v.length !== valueSize))
      refuse(
        'Set an entry of',
        this.#map.what,
        `${transferSize / this.#stride} values of ${valueSize} bytes are needed`,
      );
    const row = Buffer.alloc(transferSize);
    values.forEach((value, cpu) => value.copy(row, cpu * this.#stride));
    this.#map.set(key, row, mode);
  }

  *entries(): Iterable<[key: Buffer, values: CpuValues]> {
    for (const [key, row] of this.#map.entries()) yield [key, this.#split(row)];
  }
}
