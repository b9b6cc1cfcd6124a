import { type FileIdentity, fileKey, sameFile } from '../../file-identity.ts';
import { sides, type Side } from '../../dataplane/port.ts';
import type { SideRecord } from '../../state/wire-record.ts';
import type { Entry } from './entry.ts';

/** One side of a wire, as another one in the same namespace has to know it. */
interface End {
  readonly record: SideRecord;
  /** The kernel does not show it yet, though its name is promised. */
  readonly opening: boolean;
}

/** All of ours that end in one namespace, gone through only when asked: a busy one has thousands. */
export class Beside {
  /** Of the namespace. */
  readonly key: string;
  /** How many wires end there. */
  readonly count: number;
  readonly #ends: () => readonly End[];

  constructor(key: string, count: number, ends: () => readonly End[]) {
    this.key = key;
    this.count = count;
    this.#ends = ends;
  }

  /** And one that is about to be opened there, too. */
  and(record: SideRecord): Beside {
    return new Beside(this.key, this.count + 1, () => [...this.#ends(), { record, opening: true }]);
  }

  ifindexes(): Set<number> {
    const found = new Set<number>();
    for (const { record } of this.#ends()) found.add(record.ifindex);
    return found;
  }

  promisedNames(): Set<string> {
    const found = new Set<string>();
    for (const { record, opening } of this.#ends()) if (opening) found.add(record.name);
    return found;
  }

  /** Routing tables that policies have, or are about to have. */
  tables(): Set<number> {
    const found = new Set<number>();
    for (const { record } of this.#ends())
      for (const { table } of [...record.policies, ...(record.coming?.policies ?? [])]) found.add(table);
    return found;
  }
}

function endsOf(entries: Iterable<Entry>, netns: FileIdentity): End[] {
  const ends: End[] = [];
  for (const { record, state } of entries)
    for (const side of sides)
      if (sameFile(record[side].netns, netns))
        ends.push({ record: record[side], opening: state === 'opening' });
  return ends;
}

/** Which wires end in which namespace. */
export class Ends {
  readonly #entries = new Map<string, Set<Entry>>();

  add(entry: Entry): void {
    for (const side of sides) this.addIn(entry, entry.record[side].netns);
  }

  /** In a namespace where a side of it is about to be. */
  addIn(entry: Entry, netns: FileIdentity): void {
    const key = fileKey(netns);
    const there = this.#entries.get(key);
    if (there === undefined) this.#entries.set(key, new Set([entry]));
    else there.add(entry);
  }

  remove(entry: Entry): void {
    for (const side of sides) this.#removeIn(entry, entry.record[side].netns);
  }

  /** From a namespace where a side of it was, or was about to be; nothing if one is there. */
  leave(entry: Entry, netns: FileIdentity): void {
    if (!sides.some((side) => sameFile(entry.record[side].netns, netns))) this.#removeIn(entry, netns);
  }

  #removeIn(entry: Entry, netns: FileIdentity): void {
    const key = fileKey(netns);
    const there = this.#entries.get(key);
    there?.delete(entry);
    if (there?.size === 0) this.#entries.delete(key);
  }

  in(netns: FileIdentity): Beside {
    const key = fileKey(netns);
    const entries = this.#entries.get(key) ?? new Set<Entry>();
    return new Beside(key, entries.size, () => endsOf(entries, netns));
  }

  ofBoth(netns: Readonly<Record<Side, FileIdentity>>): Record<Side, Beside> {
    return { left: this.in(netns.left), right: this.in(netns.right) };
  }
}
