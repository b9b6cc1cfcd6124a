import { fileURLToPath } from 'node:url';
import type { BpfMap } from '../../loader/map.ts';
import { BpfObject } from '../../loader/object.ts';
import type { BpfProgram } from '../../loader/program.ts';
import {
  Direction,
  DropReason,
  Hook,
  HopAct,
  type Drop,
  type DropKey,
  type Hop,
} from '../../maps/layouts.gen.ts';
import { tables, type CounterTable, type DropTable, type HopTable } from '../../maps/table.ts';

export const objectPath = (name: string): string =>
  fileURLToPath(new URL(`../../dist/bpf/${name}.bpf.o`, import.meta.url));

/** Old kernels refuse the program that hears of losses, not its maps, which is what most tests want. */
export function skipLost(object: BpfObject): void {
  if (object.programNames.includes('vwire_lost')) object.program('vwire_lost').setAutoload(false);
}

/** What a case says of a hop; the rest is zero. */
export const hopOf = (given: Partial<Hop>): Hop => ({
  act: HopAct.HOP_DROP,
  out: 0,
  wire: 0,
  tunnel: 0,
  dmac: Buffer.alloc(6),
  direction: Direction.LEFT_TO_RIGHT,
  flags: 0,
  reason: DropReason.DROP_NONE,
  ...given,
});

/** What was counted in a run, in a form that compares and reads well. */
export interface Counts {
  /** wire/direction to sums over all CPUs. */
  forwarded: Record<string, { packets: bigint; segments: bigint; bytes: bigint }>;
  /** wire/direction/reason to packets. */
  drops: Record<string, bigint>;
}

const nameOf = (names: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(names).find((name) => names[name] === value) ?? String(value);

/** One object of dist/bpf, loaded with maps of its own. `maxEntries` shrinks maps by name. Close it. */
export class HopObject {
  readonly hops: HopTable;
  readonly counters: CounterTable;
  readonly drops: DropTable;
  readonly #object: BpfObject;
  readonly #held: { close(): void }[] = [];

  constructor(name: string, maxEntries: Readonly<Record<string, number>> = {}) {
    this.#object = BpfObject.open({ path: objectPath(name) });
    for (const [map, entries] of Object.entries(maxEntries)) this.#object.map(map).setMaxEntries(entries);
    this.#object.load();
    this.hops = tables.hops(this.map('hops'));
    this.counters = tables.counters(this.map('counters'));
    this.drops = tables.drops(this.map('drops'));
  }

  map(name: string): BpfMap {
    return this.#keep(this.#object.takeMap(name));
  }

  program(name: string): BpfProgram {
    return this.#keep(this.#object.takeProgram(name));
  }

  #keep<T extends { close(): void }>(handle: T): T {
    this.#held.push(handle);
    return handle;
  }

  /** The hop of a device's ingress, or none. */
  setHop(ifindex: number, hop: Hop | null): void {
    const key = { ifindex, vlan: 0, hook: Hook.HOOK_INGRESS, zone: 0 };
    if (hop === null) this.hops.delete(key);
    else this.hops.set(key, hop);
  }

  clear(): void {
    for (const [key] of this.hops.entries()) this.hops.delete(key);
    for (const [key] of this.counters.entries()) this.counters.delete(key);
    for (const [key] of this.drops.entries()) this.drops.delete(key);
  }

  counts(): Counts {
    const counts: Counts = { forwarded: {}, drops: {} };
    for (const [key, cpus] of this.counters.entries()) {
      const sum = { packets: 0n, segments: 0n, bytes: 0n };
      for (const cpu of cpus) {
        sum.packets += cpu.packets;
        sum.segments += cpu.segments;
        sum.bytes += cpu.bytes;
      }
      counts.forwarded[`${key.wire}/${nameOf(Direction, key.direction)}`] = sum;
    }
    for (const [key, { packets }] of this.drops.entries())
      counts.drops[`${key.wire}/${nameOf(Direction, key.direction)}/${nameOf(DropReason, key.reason)}`] =
        packets;
    return counts;
  }

  /** Fills the drops map to its brim with entries of wires nobody has. */
  fillDrops(): void {
    const key = (wire: number): DropKey => ({
      wire,
      direction: Direction.RIGHT_TO_LEFT,
      reason: DropReason.DROP_CLOSING,
      kernelReason: 0,
    });
    const one: Drop = { packets: 1n };
    for (let i = 0; i < this.drops.map.info.maxEntries; i++) this.drops.set(key(1_000_000 + i), one);
  }

  close(): void {
    for (const handle of this.#held.splice(0)) handle.close();
    this.#object.close();
  }
}
