import { parseMtu } from '../../net/mtu.ts';
import type { WireRecord } from '../../state/wire-record.ts';
import { Failure } from '../failure.ts';
import type { WireChange } from './api.ts';
import { changeMtu, type Handles } from './devices.ts';
import { joinedOf, type Entry } from './entry.ts';
import { fault } from './fault.ts';
import { entering, type Workshop } from './open.ts';
import { answerFor, refuseMtuWithoutIpv6 } from './plan.ts';
import { explainXdp } from './refusal.ts';

/** What a change makes of a record. Touches nothing; throws where it cannot be right. */
export function planChange(record: WireRecord, change: WireChange, tcx: boolean): WireRecord {
  const mtu = parseMtu(change.mtu ?? record.mtu, 'mtu');
  refuseMtuWithoutIpv6(mtu, record.left, record.right);
  if (change.left ?? change.right)
    throw new Failure('unsupported', 'Addresses and routes are not changed by this version');
  const wanted = { ...record, mtu, requested: change.datapath ?? record.requested };
  return change.datapath === null ? wanted : { ...wanted, ...answerFor(wanted, tcx) };
}

function switchDatapath(entry: Entry, from: WireRecord, to: WireRecord, shop: Workshop, at: Handles): void {
  try {
    shop.dataplane.switchDatapath(joinedOf(from), to.datapath, entering(at));
  } catch (error) {
    throw explainXdp(error, to.mtu);
  }
  for (const side of entry.down) shop.dataplane.blockTowards(joinedOf(to), side, 'port_down');
}

/** Carries a planned change out, whole or not at all. The record is the caller's to change. */
export function carryOutChange(entry: Entry, to: WireRecord, shop: Workshop, handles: Handles): void {
  const from = entry.record;
  const mtu = (a: WireRecord, b: WireRecord): void => {
    if (a.mtu !== b.mtu) changeMtu(shop.host, a, b.mtu, handles);
  };
  const datapath = (a: WireRecord, b: WireRecord): void => {
    switchDatapath(entry, a, b, shop, handles);
  };
  // XDP takes less than the others: it comes after a smaller MTU, and goes before a larger one.
  const steps = to.datapath === 'xdp' ? [mtu, datapath] : [datapath, mtu];
  const begun: typeof steps = [];
  try {
    for (const step of steps) {
      begun.unshift(step);
      step(from, to);
    }
    fault('switched');
  } catch (error) {
    for (const step of begun) step(to, from);
    throw error;
  }
}
