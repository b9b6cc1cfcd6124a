import { createHash } from 'node:crypto';
import type { Side } from '../../dataplane/port.ts';

/**
 * Name of the device in the agent's namespace, 15 bytes at most: `vw`, four hex digits of the instance
 * so that two agents do not collide, the wire in base 36, `l` or `r`.
 */
export function hostDeviceName(instance: string, wire: number, side: Side): string {
  const mark = createHash('sha256').update(instance).digest('hex').slice(0, 4);
  return `vw${mark}${wire.toString(36)}${side === 'left' ? 'l' : 'r'}`;
}

/** The owner mark of a device: `vwire:INSTANCE:WIRE:SIDE`. */
export const deviceAlias = (instance: string, wire: number, side: Side): string =>
  `vwire:${instance}:${wire}:${side}`;

export interface AliasParts {
  instance: string;
  wire: number;
  side: Side;
}

/** Null for an alias that is not ours. */
export function parseAlias(alias: string | null): AliasParts | null {
  const match = /^vwire:([A-Za-z0-9_-]+):(\d+):(left|right)$/.exec(alias ?? '');
  const [, instance, wire, side] = match ?? [];
  if (instance === undefined || wire === undefined) return null;
  return { instance, wire: Number(wire), side: side === 'left' ? 'left' : 'right' };
}

/** First of vwire0, vwire1, ... that is not taken. */
export function freeName(taken: ReadonlySet<string>): string {
  for (let n = 0; ; n++) if (!taken.has(`vwire${n}`)) return `vwire${n}`;
}
