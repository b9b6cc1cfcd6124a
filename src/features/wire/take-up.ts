import type { Enter } from '../../dataplane/joined.ts';
import type { WireRecord } from '../../state/wire-record.ts';
import type { Handles } from './devices.ts';
import { isLost, joinedOf, lostSide, type Entry } from './entry.ts';
import { dropRulesOf } from './ip/pods.ts';
import { finishMove, forgetSide, standAlone } from './move.ts';
import { holdDevices, holdJoin, holdRecord, holdRules, type Workshop } from './open.ts';
import type { WireBook } from './wires.ts';

/**
 * Holds what exists without touching it, then mends the entries and programs that are not as they should be. `written`:
 * the file says what is to be held.
 */
export async function takeUp(
  entry: Entry,
  shop: Workshop,
  enter: Enter | null,
  written = false,
): Promise<void> {
  await holdRecord(entry, shop, written);
  await holdDevices(entry, shop, () => undefined);
  await holdJoin(entry, shop, () => {
    const joined = joinedOf(entry.record);
    if (!enter) return;
    if (!shop.dataplane.isJoined(joined)) shop.dataplane.wire(joined, enter);
    shop.dataplane.detachOthers(joined);
  });
  await holdRules(entry);
}

/** A wire with one side for the time being. `record` is what its file says. */
export async function takeUpOne(
  record: WireRecord,
  entry: Entry,
  { book, shop }: { book: WireBook; shop: Workshop },
  handles: Handles | null,
): Promise<void> {
  await takeUp(entry, shop, null);
  const { leaving } = record;
  if (leaving === null) {
    // A namespace that ended while no agent ran is the right one.
    const lost = lostSide(record) ?? 'right';
    entry.down.add(lost);
    shop.dataplane.blockTowards(joinedOf(entry.record), lost, 'port_down');
    if (!isLost(record[lost])) forgetSide(entry, lost, record[lost], shop);
    entry.state = 'open';
    book.announce('adopted', entry.record, `found with one side: its ${lost} one is nowhere`);
    return;
  }
  const { side, had } = leaving;
  // What bears the side's mark may be the old device or the new one, whose rules may be there, too.
  dropRulesOf(record[side], side);
  const there = { ...had, hostIfindex: entry.record[side].hostIfindex };
  try {
    if (handles === null) {
      await standAlone(entry, side, there, shop);
      book.announce(
        'adopted',
        entry.record,
        `its ${side} side was being moved to a namespace that has ended`,
      );
      return;
    }
    entry.record = { ...entry.record, [side]: record[side] };
    await finishMove(entry, leaving, there, shop, handles);
    book.announce('adopted', entry.record, `its ${side} side was being moved: finished`);
  } finally {
    book.moved(entry, [record[side].netns]);
  }
}
