import { farSide, type Side } from '../../dataplane/port.ts';
import type { WireRecord } from '../../state/wire-record.ts';
import { lostSide } from './entry.ts';

/** What an agent does with one wire it finds: kernel and file compared, one row each. */
export type Verdict = 'adopt' | 'finish' | 'undo' | 'recreate' | 'drop' | 'keep' | 'rejoin';

export interface Found {
  /** Both devices of a side exist and are the ones meant. */
  whole: Readonly<Record<Side, boolean>>;
  /** Anything of the wire exists. */
  any: boolean;
  namespacesAlive: boolean;
  /** The left namespace lives, and the right one has ended. */
  leftOnly: boolean;
}

/** Of a wire that has one side for the time being: that one is kept, or the move of the other one finished. */
function verdictForOne({ left, right, leaving, owner }: WireRecord, found: Found): Verdict | null {
  // A connection's client waits for another endpoint.
  const ended = owner === 'connection' && found.leftOnly && !found.whole.right ? 'right' : undefined;
  const lost = leaving?.side ?? lostSide({ left, right }) ?? ended;
  if (lost === undefined) return null;
  if (!found.whole[farSide(lost)]) return found.any ? 'undo' : 'drop';
  return leaving === null ? 'keep' : 'rejoin';
}

/** `record` is what the file says, before it is compared. */
export function verdictFor(record: WireRecord, found: Found): Verdict {
  const whole = found.whole.left && found.whole.right;
  switch (record.intent) {
    case 'open': {
      const one = verdictForOne(record, found);
      if (one !== null) return one;
      if (whole) return 'adopt';
      return found.namespacesAlive ? 'recreate' : 'drop';
    }
    case 'opening':
      if (whole && found.namespacesAlive) return 'finish';
      return found.any ? 'undo' : 'drop';
    case 'closing':
      return found.any ? 'undo' : 'drop';
  }
}
