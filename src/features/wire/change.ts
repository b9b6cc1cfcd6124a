import { isDeepStrictEqual } from 'node:util';
import { sides, type Side } from '../../dataplane/port.ts';
import { parseMtu } from '../../net/mtu.ts';
import type { IpRecord, SideRecord, WireRecord } from '../../state/wire-record.ts';
import type { WireChange } from './api.ts';
import { changeMtu, type Handles, inPod } from './devices.ts';
import type { Beside } from './ends.ts';
import { joinedOf, type Entry } from './entry.ts';
import { fault } from './fault.ts';
import { converge } from './ip/converge.ts';
import type { Differences } from './ip/differences.ts';
import { familyOf } from './ip/pieces.ts';
import { ipOf, planIpChange, sameIp } from './ip/plan.ts';
import { bringUp } from './ip/restore.ts';
import { entering, rewrite, type Workshop } from './open.ts';
import { answerFor, refuseMtuWithoutIpv6 } from './plan.ts';
import { explainXdp } from './refusal.ts';

export interface ChangePlan {
  record: WireRecord;
  change: WireChange;
  handles: Handles;
  /** Those of ours that end in the namespace of a side. */
  beside: Readonly<Record<Side, Beside>>;
}

/** What a change makes of a record. Touches nothing; throws where it cannot be right. */
export function planChange({ record, change, handles, beside }: ChangePlan, tcx: boolean): WireRecord {
  const mtu = parseMtu(change.mtu ?? record.mtu, 'mtu');
  const sideOf = (side: Side): SideRecord => {
    const spec = change[side];
    return spec === null ? record[side] : planIpChange(record[side], spec, side, handles[side], beside[side]);
  };
  const wanted = {
    ...record,
    mtu,
    requested: change.datapath ?? record.requested,
    left: sideOf('left'),
    right: sideOf('right'),
  };
  refuseMtuWithoutIpv6(mtu, wanted.left, wanted.right);
  return change.datapath === null ? wanted : { ...wanted, ...answerFor(wanted, tcx) };
}

/** All that we may have put at an interface: also what an earlier change could neither finish nor undo. */
const placed = ({ coming, ...record }: SideRecord): IpRecord[] => [
  record,
  ...(coming === null ? [] : [coming]),
];

/** The record for the time of the change, from which can be told what a crash left; `from` if nothing has to be. */
function changing(from: WireRecord, to: WireRecord): WireRecord {
  const sideOf = (side: Side): SideRecord =>
    sameIp(from[side], to[side]) ? from[side] : { ...from[side], coming: ipOf(to[side]) };
  const [left, right] = [sideOf('left'), sideOf('right')];
  return left === from.left && right === from.right ? from : { ...from, left, right };
}

function switchDatapath(entry: Entry, from: WireRecord, to: WireRecord, shop: Workshop, at: Handles): void {
  try {
    shop.dataplane.switchDatapath(joinedOf(from), to.datapath, entering(at));
  } catch (error) {
    throw explainXdp(error, to.mtu);
  }
  for (const side of entry.down) shop.dataplane.blockTowards(joinedOf(to), side, 'port_down');
}

/** A change that failed and could not be taken back whole: what is meant and what is there differ. */
class HalfDone extends Error {
  override readonly name = 'HalfDone';
}

/** What a change found to do. */
interface Done {
  /** For people; empty when all was as it should be. */
  summary: string[];
  /** An IPv6 address came, for whose group the interface has to be heard first. */
  joins: boolean;
  /** An interface was down: frames pass when it is heard that it is up. */
  woken: boolean;
}

const summaryOf = (side: Side, { missing, other, obsolete }: Differences): string[] => {
  const counts = [
    ...(missing.length > 0 ? [`${missing.length} added`] : []),
    ...(other.length > 0 ? [`${other.length} replaced`] : []),
    ...(obsolete.length > 0 ? [`${obsolete.length} removed`] : []),
  ];
  return counts.length === 0 ? [] : [`${side}: ${counts.join(', ')}`];
};

/** Carries a planned change out, whole or not at all. The record is the caller's to change. */
function carryOutChange(
  entry: Entry,
  { record: from, change, handles }: ChangePlan,
  to: WireRecord,
  shop: Workshop,
): Done {
  const done: Done = { summary: [], joins: false, woken: false };
  const mtu = (a: WireRecord, b: WireRecord): void => {
    if (a.mtu === b.mtu) return;
    changeMtu(shop.host, a, b.mtu, handles);
    done.summary.push(`mtu ${b.mtu}`);
  };
  const datapath = (a: WireRecord, b: WireRecord): void => {
    switchDatapath(entry, a, b, shop, handles);
    if (a.datapath !== b.datapath) done.summary.push(b.datapath);
  };
  const ip = (a: WireRecord, b: WireRecord): void => {
    for (const side of sides) {
      if (change[side] === null) continue;
      const found = inPod(handles[side], (socket) => {
        const place = { socket, side, record: b[side] };
        const woken = bringUp(place);
        if (woken) done.summary.push(`${side}: up`);
        done.woken ||= woken;
        return converge(place, placed(a[side]), b[side]);
      });
      done.summary.push(...summaryOf(side, found));
      done.joins ||= found.missing.some((piece) => piece.kind === 'address' && familyOf(piece) === 6);
    }
  };
  // Below an MTU of 1280 an interface has no IPv6. XDP takes less than the others: it comes after a smaller
  // MTU, and goes before a larger one.
  const sized = to.mtu > from.mtu ? [mtu, ip] : [ip, mtu];
  const steps = to.datapath === 'xdp' ? [...sized, datapath] : [datapath, ...sized];
  const begun: typeof steps = [];
  try {
    for (const step of steps) {
      begun.unshift(step);
      step(from, to);
    }
    fault('switched');
  } catch (error) {
    takeBack(error, begun, (step) => {
      step(to, from);
    });
    throw error;
  }
  return done;
}

/** Carries a planned change out, with the file telling of it before and after. Null where all was as it should be. */
export function applyChange(entry: Entry, plan: ChangePlan, wanted: WireRecord, shop: Workshop): Done | null {
  const { record } = plan;
  const noted = changing(record, wanted);
  if (noted !== record) rewrite(entry, noted, shop);
  let done: Done;
  try {
    done = carryOutChange(entry, plan, wanted, shop);
  } catch (error) {
    // Otherwise what is there has to be told from the record still.
    if (noted !== record && !(error instanceof HalfDone)) rewrite(entry, record, shop);
    throw error;
  }
  if (done.summary.length === 0 && isDeepStrictEqual(record, wanted)) return null;
  rewrite(entry, wanted, shop);
  return done;
}

function takeBack<Step>(error: unknown, begun: readonly Step[], undo: (step: Step) => void): void {
  try {
    for (const step of begun) undo(step);
  } catch (failure) {
    throw new HalfDone(`${String(error)}; undoing it failed too: ${String(failure)}`, { cause: failure });
  }
}
