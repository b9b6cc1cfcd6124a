import { sides, type Side } from '../../dataplane/port.ts';
import { type NetnsIdentity, sameNetns } from '../../net/netns.ts';
import type { SideRecord } from '../../state/wire-record.ts';
import type { Entry } from './entry.ts';

/** One side of a wire, as another one in the same namespace has to know it. */
export interface KnownEnd {
  readonly record: SideRecord;
  readonly side: Side;
  readonly wire: number;
  /** The kernel does not show it yet, though its name is promised. */
  readonly opening: boolean;
}

const keyOf = ({ dev, inode }: NetnsIdentity): string => `${dev}:${inode}`;

/** Which wires end in a namespace. */
export class Ends {
  readonly #entries = new Map<string, Set<Entry>>();

  add(entry: Entry): void {
    for (const side of sides) {
      const key = keyOf(entry.record[side].netns);
      const there = this.#entries.get(key);
      if (there === undefined) this.#entries.set(key, new Set([entry]));
      else there.add(entry);
    }
  }

  remove(entry: Entry): void {
    for (const side of sides) {
      const key = keyOf(entry.record[side].netns);
      const there = this.#entries.get(key);
      there?.delete(entry);
      if (there?.size === 0) this.#entries.delete(key);
    }
  }

  in(netns: NetnsIdentity): KnownEnd[] {
    const entries = [...(this.#entries.get(keyOf(netns)) ?? [])];
    return entries.flatMap(({ record, state }) =>
      sides
        .filter((side) => sameNetns(record[side].netns, netns))
        .map((side) => ({ record: record[side], side, wire: record.id, opening: state === 'opening' })),
    );
  }
}
