import { sides } from '../../../dataplane/port.ts';
import { ofPod } from '../devices.ts';
import { type Entry, isLost } from '../entry.ts';
import { reopen } from '../namespaces.ts';
import type { WireBook } from '../wires.ts';
import { lacking } from './converge.ts';
import { nameOf } from './pieces.ts';
import { ipOf } from './plan.ts';

/** How long one turn may look, and how long others have their turn then, in ms. */
const LOOK_MS = 2;
const REST_MS = 8;
/** How many things one line names. */
const NAMED = 5;

export function naming(names: readonly string[]): string {
  const more = names.length - NAMED;
  return [...names.slice(0, NAMED), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** What the interfaces of a wire should have and have not, a line per side. */
function shortcomings({ record }: Entry): string[] {
  return sides.flatMap((side) => {
    if (isLost(record[side]) || Object.values(ipOf(record[side])).every((list) => list.length === 0))
      return [];
    const handle = reopen(record[side].netns);
    if (handle === null) return [];
    try {
      const names = ofPod(handle, (socket) => lacking({ socket, side, record: record[side] })).map(nameOf);
      return names.length === 0 ? [] : [`${side} interface '${record[side].name}' lacks ${naming(names)}`];
    } finally {
      handle.close();
    }
  });
}

/**
 * Tells of the open wires whose interfaces lack what they were told while no agent was there. It is brought
 * back with the next change that speaks of it, since whoever took it away may have had a reason. Looks at all
 * of them once, a few at a time beside the agent's work; the returned function ends that early.
 */
export function reportLacking(book: WireBook): () => void {
  const queue = [...book.entries.values()].filter(({ state }) => state === 'open');
  let timer: NodeJS.Timeout | null = null;
  const look = (): void => {
    const until = performance.now() + LOOK_MS;
    while (performance.now() < until) {
      const entry = queue.pop();
      if (entry === undefined) return;
      if (entry.state !== 'open' || book.entries.get(entry.record.id) !== entry) continue;
      tell(entry);
    }
    timer = setTimeout(look, REST_MS).unref();
  };
  const tell = (entry: Entry): void => {
    try {
      const found = shortcomings(entry);
      if (found.length > 0) book.announce('failed', entry.record, found.join('; '));
    } catch (error) {
      book.announce('failed', entry.record, `Its IP cannot be looked at: ${(error as Error).message}`);
    }
  };
  timer = setTimeout(look, REST_MS).unref();
  return () => {
    if (timer !== null) clearTimeout(timer);
  };
}
