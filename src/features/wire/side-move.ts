import { sameFile } from '../../file-identity.ts';
import { farSide, type Side } from '../../dataplane/port.ts';
import { parseMtu } from '../../net/mtu.ts';
import type { WireRecord } from '../../state/wire-record.ts';
import { Failure } from '../failure.ts';
import type { IpSpec, MoveChange, SideSpec } from './api.ts';
import { applyChange } from './change.ts';
import { changeMtu, type Handles } from './devices.ts';
import type { Beside } from './ends.ts';
import { isLost, lostSide, type Entry } from './entry.ts';
import { ipOf, planIpChange } from './ip/plan.ts';
import { carryOutMove } from './move.ts';
import { reopen } from './namespaces.ts';
import { rewrite, type Workshop } from './open.ts';
import { planMovedSide, type Surroundings } from './plan.ts';

/** Nothing changes along with the move. */
export const nothingElse: MoveChange = { mtu: null, far: null };

export interface SideMove {
  side: Side;
  spec: SideSpec;
  along: MoveChange;
  /** Where the side is to be, and where the other one is. */
  handles: Handles;
  /** Those of ours that end there. */
  beside: Readonly<Record<Side, Beside>>;
}

interface SideMovePlan {
  /** The wire with its far side told what is new, and nothing else. */
  told: WireRecord;
  /** What it is to be in the end. */
  to: WireRecord;
}

/** All of a move that can be known before anything is taken down. Throws InputError or Failure. */
export function planSideMove(
  record: WireRecord,
  { side, spec, along, handles, beside }: SideMove,
  at: Surroundings,
): SideMovePlan {
  const far = farSide(side);
  if (lostSide(record) === far)
    throw new Failure('refused', `Wire ${record.id} has its ${side} side only, which cannot be moved`);
  const mtu = parseMtu(along.mtu ?? record.mtu, 'mtu');
  const told: WireRecord =
    along.far === null
      ? record
      : { ...record, [far]: planIpChange(record[far], along.far, far, handles[far], beside[far]) };
  // Both ends may be in one namespace.
  const next = sameFile(handles.left, handles.right) ? beside[side].and(told[far]) : beside[side];
  const where = { spec, netns: handles[side], beside: next };
  return { told, to: planMovedSide({ ...told, mtu }, side, where, at) };
}

/** The change of the far side's IP that makes a record of what was before it. */
function changeFar(entry: Entry, spec: IpSpec, wanted: WireRecord, move: SideMove, shop: Workshop): boolean {
  const { handles, beside } = move;
  const change = { mtu: null, datapath: null, left: null, right: null, [farSide(move.side)]: spec };
  return applyChange(entry, { record: entry.record, change, handles, beside }, wanted, shop)?.woken ?? false;
}

/**
 * The far side is told first: what the kernel refuses of that is taken back while both sides still stand. IPv6 needs a
 * larger MTU before its addresses; a smaller one waits until the addresses that it has no room for have gone.
 */
function tellFar(entry: Entry, move: SideMove, { told, to }: SideMovePlan, shop: Workshop): boolean {
  const { along, handles, side } = move;
  const { record } = entry;
  const size = (from: WireRecord, mtu: number): void => {
    if (to.mtu > record.mtu) changeMtu(shop.host, from, mtu, handles, [farSide(side)]);
  };
  size(record, to.mtu);
  try {
    return along.far !== null && changeFar(entry, along.far, told, move, shop);
  } catch (error) {
    size(to, record.mtu);
    throw error;
  }
}

/** The side as it was, with new devices where it had gone; nothing where its namespace has ended. */
async function remakeAsBefore(
  entry: Entry,
  before: WireRecord,
  move: SideMove,
  shop: Workshop,
): Promise<void> {
  const { side, handles } = move;
  const handle = isLost(before[side]) ? null : reopen(before[side].netns);
  if (handle === null) return;
  try {
    const there = side === 'left' ? { ...handles, left: handle } : { ...handles, right: handle };
    await carryOutMove(entry, side, { ...entry.record, [side]: before[side] }, shop, there);
  } finally {
    handle.close();
  }
}

/** After a move that failed: what it left of the far side's changes is taken back, and the side itself is put back. */
async function putBack(entry: Entry, before: WireRecord, move: SideMove, shop: Workshop): Promise<void> {
  const { side, along, handles } = move;
  const far = farSide(side);
  const { mtu, datapath, reason } = before;
  if (entry.record.leaving !== null) return; // it could not even be left with one side
  const moved = entry.record;
  changeMtu(shop.host, moved, mtu, handles, [far]);
  rewrite(entry, { ...moved, mtu, datapath, reason }, shop);
  const isUntouched = moved[side].hostIfindex === before[side].hostIfindex;
  try {
    if (!isUntouched) await remakeAsBefore(entry, before, move, shop);
  } finally {
    if (along.far !== null) {
      const had = { ...entry.record[far], ...ipOf(before[far]) };
      changeFar(entry, had, { ...entry.record, [far]: had }, move, shop);
    }
  }
}

/** Carries the plan out. Whether the far side's interface was down, and has been brought up. */
export async function moveAsPlanned(
  entry: Entry,
  move: SideMove,
  plan: SideMovePlan,
  shop: Workshop,
): Promise<boolean> {
  const before = entry.record;
  const woken = tellFar(entry, move, plan, shop);
  try {
    await carryOutMove(entry, move.side, plan.to, shop, move.handles);
    return woken;
  } catch (error) {
    try {
      await putBack(entry, before, move, shop);
    } catch (failure) {
      throw new Error(`${String(error)}; putting it back failed too: ${String(failure)}`, { cause: failure });
    }
    throw error;
  }
}
