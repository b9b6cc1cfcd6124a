import type { Joined } from '../../dataplane/joined.ts';
import { type Side, sides } from '../../dataplane/port.ts';
import type { Scope } from '../../state/scope.ts';
import type { SideRecord, WireRecord } from '../../state/wire-record.ts';
import type { WireState } from './api.ts';
import { portOf } from './plan.ts';

/** None, one or both of a wire: a Set of them is 200 bytes, in each of ten thousand wires. */
export class Sides {
  #left = false;
  #right = false;

  has(side: Side): boolean {
    return side === 'left' ? this.#left : this.#right;
  }

  add(side: Side): void {
    this.#put(side, true);
  }

  delete(side: Side): void {
    this.#put(side, false);
  }

  clear(): void {
    for (const side of sides) this.#put(side, false);
  }

  get size(): number {
    return Number(this.#left) + Number(this.#right);
  }

  *[Symbol.iterator](): Generator<Side, void> {
    for (const side of sides) if (this.has(side)) yield side;
  }

  #put(side: Side, whether: boolean): void {
    if (side === 'left') this.#left = whether;
    else this.#right = whether;
  }
}

/** One wire the agent knows of: what was meant, what is held, how it stands. */
export interface Entry {
  record: WireRecord;
  scope: Scope;
  state: 'opening' | 'open' | 'closing' | 'orphan';
  /** Ports that are administratively down or without carrier: the hops towards them drop. */
  readonly down: Sides;
  /** Operations on one wire run one after the other. */
  turn: Promise<void>;
}

export const stateOf = (entry: Entry): WireState =>
  entry.state === 'open' && entry.down.size > 0 ? 'down' : entry.state;

export const joinedOf = (record: WireRecord): Joined => ({
  id: record.id,
  left: portOf(record, 'left'),
  right: portOf(record, 'right'),
  datapath: record.datapath,
});

/** Of a side that has no devices, until it is put somewhere else or the wire closes. */
export const isLost = ({ hostIfindex }: SideRecord): boolean => hostIfindex === 0;

/** The side that is nowhere; undefined of a wire that has both. */
export const lostSide = (record: Pick<WireRecord, Side>): Side | undefined =>
  sides.find((side) => isLost(record[side]));

/** Runs `act` when every earlier operation on this wire is over, however that ended. */
export function inTurn<T>(entry: Entry, act: () => Promise<T>): Promise<T> {
  const result = entry.turn.then(act);
  entry.turn = result.then(
    () => undefined,
    () => undefined,
  );
  return result;
}
