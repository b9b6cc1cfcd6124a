import { PerCpuMap } from '../loader/map-percpu.ts';
import type { BpfMap } from '../loader/map.ts';
import type { Layout } from './layout.ts';
import {
  counter,
  counterKey,
  drop,
  dropKey,
  hop,
  hopKey,
  node,
  watched,
  watchedKey,
  type Counter,
  type CounterKey,
  type Drop,
  type DropKey,
  type Hop,
  type HopKey,
  type Node,
  type Watched,
  type WatchedKey,
} from './layouts.gen.ts';

function checked<K, V>(map: BpfMap, key: Layout<K>, value: Layout<V>): void {
  const { name, keySize, valueSize } = map.info;
  if (keySize !== key.size || valueSize !== value.size)
    throw new Error(
      `Map '${name}' has keys of ${keySize} and values of ${valueSize} bytes: ` +
        `struct ${key.name} has ${key.size}, struct ${value.name} ${value.size}`,
    );
}

/** A map with one value per key, seen through its layouts. Owns the map: closing closes it. */
export class Table<K, V> {
  readonly map: BpfMap;
  readonly #key: Layout<K>;
  readonly #value: Layout<V>;

  constructor(map: BpfMap, key: Layout<K>, value: Layout<V>) {
    checked(map, key, value);
    this.map = map;
    this.#key = key;
    this.#value = value;
  }

  get(key: K): V | null {
    const found = this.map.get(this.#key.encode(key));
    return found === null ? null : this.#value.decode(found);
  }

  set(key: K, value: V): void {
    this.map.set(this.#key.encode(key), this.#value.encode(value), 'any');
  }

  /** False if there was no such entry. */
  delete(key: K): boolean {
    return this.map.tryDelete(this.#key.encode(key));
  }

  *entries(): Generator<[K, V]> {
    for (const [key, value] of this.map.entries()) yield [this.#key.decode(key), this.#value.decode(value)];
  }

  close(): void {
    this.map.close();
  }
}

/** A map with one value per key and CPU. Owns the map. */
export class PerCpuTable<K, V> {
  readonly map: BpfMap;
  readonly #cpus: PerCpuMap;
  readonly #key: Layout<K>;
  readonly #value: Layout<V>;

  constructor(map: BpfMap, key: Layout<K>, value: Layout<V>) {
    checked(map, key, value);
    this.map = map;
    this.#cpus = new PerCpuMap(map);
    this.#key = key;
    this.#value = value;
  }

  /** One value per possible CPU. */
  get(key: K): V[] | null {
    const found = this.#cpus.get(this.#key.encode(key));
    return found === null ? null : found.map((value) => this.#value.decode(value));
  }

  /** Makes the entry, all zero, on every CPU. False if there is one already, which is left alone. */
  make(key: K): boolean {
    return this.map.tryAdd(this.#key.encode(key), Buffer.alloc(this.map.info.transferSize));
  }

  *entries(): Generator<[K, V[]]> {
    for (const [key, values] of this.#cpus.entries())
      yield [this.#key.decode(key), values.map((value) => this.#value.decode(value))];
  }

  delete(key: K): boolean {
    return this.map.tryDelete(this.#key.encode(key));
  }

  close(): void {
    this.map.close();
  }
}

/** An index or ifindex key: what array maps and devmaps take. */
export const u32: Layout<number> = {
  name: 'u32',
  size: 4,
  encode(value) {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(value);
    return buffer;
  },
  decode: (buffer) => buffer.readUInt32LE(0),
};

export type HopTable = Table<HopKey, Hop>;
export type CounterTable = PerCpuTable<CounterKey, Counter>;
export type DropTable = Table<DropKey, Drop>;
export type WatchedTable = Table<WatchedKey, Watched>;
export type NodeTable = Table<number, Node>;
export type PortTable = Table<number, number>;

/** Each map of the contract by its name in bpffs and its layouts. */
export const tables = {
  hops: (map: BpfMap): HopTable => new Table(map, hopKey, hop),
  counters: (map: BpfMap): CounterTable => new PerCpuTable(map, counterKey, counter),
  drops: (map: BpfMap): DropTable => new Table(map, dropKey, drop),
  watched: (map: BpfMap): WatchedTable => new Table(map, watchedKey, watched),
  node: (map: BpfMap): NodeTable => new Table(map, u32, node),
  /** The devmap of xdp_hop: ifindex to ifindex. */
  ports: (map: BpfMap): PortTable => new Table(map, u32, u32),
};
