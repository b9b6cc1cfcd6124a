import type { Counted, Sample, WireSample } from '../features/connection/api.ts';

/** Per second. */
export interface Rate {
  packets: number;
  segments: number;
  bits: number;
  dropped: number;
}

export interface WireRates extends Omit<WireSample, 'leftToRight' | 'rightToLeft'> {
  leftToRight: Rate;
  rightToLeft: Rate;
}

export interface Rates {
  seconds: number;
  wires: WireRates[];
}

const none: Counted = { packets: 0n, segments: 0n, bytes: 0n, dropped: 0n };

/** What was counted between two samples; of a wire that came meanwhile, all of it. */
export function ratesBetween(before: Sample, after: Sample): Rates {
  const seconds = (after.atMs - before.atMs) / 1_000;
  const known = new Map(before.wires.map((wire) => [wire.wire, wire]));
  const rate = (from: Counted = none, to: Counted): Rate => {
    // An agent's new tables begin at nothing.
    const grown = (now: bigint, then: bigint): number => Math.max(0, Number(now - then)) / seconds;
    return {
      packets: grown(to.packets, from.packets),
      segments: grown(to.segments, from.segments),
      bits: 8 * grown(to.bytes, from.bytes),
      dropped: grown(to.dropped, from.dropped),
    };
  };
  return {
    seconds,
    wires: after.wires.map(({ leftToRight, rightToLeft, ...owner }) => ({
      ...owner,
      leftToRight: rate(known.get(owner.wire)?.leftToRight, leftToRight),
      rightToLeft: rate(known.get(owner.wire)?.rightToLeft, rightToLeft),
    })),
  };
}

const both = ({ leftToRight, rightToLeft }: WireRates, what: keyof Rate): number =>
  leftToRight[what] + rightToLeft[what];

export const orders = ['bits', 'packets', 'dropped', 'wire'] as const;
export type Order = (typeof orders)[number];

/** Most first, those that are equal by their wires; `wire` is by wire alone. */
export function sorted(wires: readonly WireRates[], order: Order): WireRates[] {
  const more = (a: WireRates, b: WireRates): number =>
    order === 'wire' ? 0 : both(b, order) - both(a, order);
  return [...wires].sort((a, b) => more(a, b) || a.wire - b.wire);
}
