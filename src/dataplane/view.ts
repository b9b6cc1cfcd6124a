import { statSync } from 'node:fs';
import { kernelEnum } from '../../loader/btf.ts';
import { Direction, DropReason, Hook, type Counter } from '../../maps/layouts.gen.ts';
import { actionName, entryText, reasonName } from './hops.ts';
import { openShared, type SharedTables } from './kernel-maps.ts';
import { pinPaths } from './pins.ts';

/** What one direction of a wire forwarded, over all CPUs. */
export type Forwarded = Counter;
/** Packets by reason; only what happened. */
export type Dropped = Record<string, bigint>;
export type ByDirection<T> = Record<'leftToRight' | 'rightToLeft', T>;

const directions = { leftToRight: Direction.LEFT_TO_RIGHT, rightToLeft: Direction.RIGHT_TO_LEFT } as const;

let kernelReasons: Map<number, string> | null = null;
function kernelReason(value: number): string | null {
  if (value === 0) return null;
  kernelReasons ??= kernelEnum('skb_drop_reason');
  return kernelReasons.get(value)?.replace('SKB_DROP_REASON_', '').toLowerCase() ?? String(value);
}

/** The dataplane's read-only face: what the kernel's tables say, with or without an agent. */
export class View {
  readonly #tables: SharedTables;

  constructor(tables: SharedTables) {
    this.#tables = tables;
  }

  /** Reads the pins of an instance; null when it has none. The caller closes. */
  static openPinned(bpffs: string, instance: string): View | null {
    const { maps } = pinPaths(bpffs, instance);
    // Not existsSync, which takes a directory one may not look into for a missing one.
    return statSync(maps, { throwIfNoEntry: false }) ? new View(openShared(maps, true)) : null;
  }

  forwarded(wire: number): ByDirection<Forwarded> {
    const sum = (direction: Direction): Forwarded => {
      const total = { packets: 0n, segments: 0n, bytes: 0n };
      for (const cpu of this.#tables.counters.get({ wire, direction }) ?? []) {
        total.packets += cpu.packets;
        total.segments += cpu.segments;
        total.bytes += cpu.bytes;
      }
      return total;
    };
    return { leftToRight: sum(directions.leftToRight), rightToLeft: sum(directions.rightToLeft) };
  }

  /** Of every wire that has counters, in one walk. */
  allForwarded(): Map<number, ByDirection<Forwarded>> {
    const none = (): Forwarded => ({ packets: 0n, segments: 0n, bytes: 0n });
    const wires = new Map<number, ByDirection<Forwarded>>();
    for (const [key, cpus] of this.#tables.counters.entries()) {
      let wire = wires.get(key.wire);
      if (!wire) wires.set(key.wire, (wire = { leftToRight: none(), rightToLeft: none() }));
      const total = key.direction === Direction.LEFT_TO_RIGHT ? wire.leftToRight : wire.rightToLeft;
      for (const cpu of cpus) {
        total.packets += cpu.packets;
        total.segments += cpu.segments;
        total.bytes += cpu.bytes;
      }
    }
    return wires;
  }

  /** Drops of every wire; wire 0 holds what could not be told to one. */
  dropped(): Map<number, ByDirection<Dropped>> {
    const wires = new Map<number, ByDirection<Dropped>>();
    for (const [key, { packets }] of this.#tables.drops.entries()) {
      let wire = wires.get(key.wire);
      if (!wire) wires.set(key.wire, (wire = { leftToRight: {}, rightToLeft: {} }));
      const reasons = key.direction === Direction.LEFT_TO_RIGHT ? wire.leftToRight : wire.rightToLeft;
      const kernel =
        key.reason === DropReason.DROP_LOST_AFTER_REDIRECT ? kernelReason(key.kernelReason) : null;
      const name = reasonName(key.reason, kernel);
      reasons[name] = (reasons[name] ?? 0n) + packets;
    }
    return wires;
  }

  /** What the kernel does with a frame that comes in at this device, in words. */
  action(ifindex: number): string {
    return actionName(this.#tables.hops.get({ ifindex, vlan: 0, hook: Hook.HOOK_INGRESS, zone: 0 }));
  }

  /** The entry for frames that come in at this device, key and value. */
  entry(ifindex: number): string {
    const key = { ifindex, vlan: 0, hook: Hook.HOOK_INGRESS, zone: 0 };
    return entryText(key, this.#tables.hops.get(key));
  }

  close(): void {
    this.#tables.hops.close();
    this.#tables.counters.close();
    this.#tables.drops.close();
  }
}
