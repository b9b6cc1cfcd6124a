import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BpfError } from '../../loader/error.ts';
import { BpfLink } from '../../loader/link/link.ts';
import { attachTracepoint } from '../../loader/link/tracepoint.ts';
import { unpin } from '../../loader/pin.ts';
import { DeviceEnd, type Watched, type WatchedKey } from '../../maps/layouts.gen.ts';
import type { WatchedTable } from '../../maps/table.ts';
import { ownNetns } from '../net/netns.ts';
import { directionFrom } from './hops.ts';
import type { PinPaths } from './pins.ts';
import type { Port, Side } from './port.ts';
import type { Programs } from './programs.ts';

/** Whether losses after a redirect can be told on this kernel, and if not, why. */
export type LossObservation = { observed: true } | { observed: false; why: string };

/**
 * Starts, or finds, the program that hears of every packet the kernel drops. It needs a kernel that tells
 * BTF tracepoints why (5.17); elsewhere wires work the same and such losses are "not observable".
 */
export function observeLosses(
  programs: Programs,
  paths: PinPaths,
): { state: LossObservation; link: BpfLink | null } {
  const pin = join(paths.links, 'lost');
  try {
    const program = programs.get('vwire_lost');
    if (existsSync(pin)) {
      const link = BpfLink.openPinned(pin);
      if (link.info.programId === program.info.id) return { state: { observed: true }, link };
      // A tracing link takes no other program: the new one starts before the old one ends.
      link.close();
    }
    const link = attachTracepoint(program);
    unpin(pin);
    link.pin(pin);
    return { state: { observed: true }, link };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    // The first line tells what is missing; the verifier's own words follow it.
    const [why = ''] = error.message.split(/:?\s*\n/, 1);
    return { state: { observed: false, why }, link: null };
  }
}

/** Of devices in the agent's namespace, which is `netns` (an inode), and behind them. */
function* watchedEnds(netns: number, wire: number, side: Side, port: Port): Generator<[WatchedKey, Watched]> {
  const direction = directionFrom(side);
  yield [
    { netns, ifindex: port.ifindex },
    { wire, direction, end: DeviceEnd.END_HOST },
  ];
  if (port.pod)
    yield [
      { netns: port.pod.netns.inode, ifindex: port.pod.ifindex },
      { wire, direction, end: DeviceEnd.END_POD },
    ];
}

/** The devices of ports whose losses are charged to their wires. Owns the table. */
export class LossWatch {
  readonly #table: WatchedTable;
  readonly #netns: number;

  /** In the namespace of the host ends. */
  constructor(table: WatchedTable) {
    this.#table = table;
    this.#netns = ownNetns().inode;
  }

  #keys(port: Port): WatchedKey[] {
    return Array.from(watchedEnds(this.#netns, 0, 'left', port), ([key]) => key);
  }

  watch(wire: number, side: Side, port: Port): void {
    for (const [key, value] of watchedEnds(this.#netns, wire, side, port)) this.#table.set(key, value);
  }

  unwatch(port: Port): void {
    for (const key of this.#keys(port)) this.#table.delete(key);
  }

  /** Forgets all devices but those of these ports. */
  keepOnly(ports: readonly Port[]): void {
    const nameOf = ({ netns, ifindex }: WatchedKey): string => `${netns}:${ifindex}`;
    const kept = new Set(ports.flatMap((port) => this.#keys(port).map(nameOf)));
    for (const [key] of this.#table.entries()) if (!kept.has(nameOf(key))) this.#table.delete(key);
  }

  close(): void {
    this.#table.close();
  }
}
