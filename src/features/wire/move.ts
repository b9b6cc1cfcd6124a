import { farSide, type Side } from '../../dataplane/port.ts';
import { setMac, upRequest } from '../../net/device.ts';
import type { SideRecord, WireRecord } from '../../state/wire-record.ts';
import { changeMtu, createSide, type Handles } from './devices.ts';
import { isLost, joinedOf, type Entry } from './entry.ts';
import { fault } from './fault.ts';
import { dropRulesOf, establishPod } from './ip/pods.ts';
import { entering, rewrite, type Workshop } from './open.ts';
import { waitReady } from './ready.ts';

const lost = (had: SideRecord): SideRecord => ({ ...had, hostIfindex: 0, ifindex: 0, coming: null });

/** Takes away all there is of one side; frames towards it are dropped and counted as port_down. */
async function clear(entry: Entry, side: Side, there: SideRecord, shop: Workshop): Promise<void> {
  const joined = joinedOf({ ...entry.record, [side]: there });
  shop.dataplane.block(joined, 'port_down');
  dropRulesOf(there, side);
  await shop.reaper.delete([there.hostIfindex], () => undefined);
  shop.dataplane.leave(joined, side);
}

/** Of a side whose devices went while no agent was there: `had` is what is left to be forgotten. */
export function forgetSide(entry: Entry, side: Side, had: SideRecord, shop: Workshop): void {
  shop.dataplane.leave(joinedOf({ ...entry.record, [side]: had }), side);
  rewrite(entry, { ...entry.record, [side]: lost(had) }, shop);
}

/** Each host end carries the MAC of the far pod. */
function tellFarEnd({ record }: Entry, side: Side, before: string, { host }: Workshop): void {
  const far = record[farSide(side)];
  if (record[side].mac !== before && !isLost(far)) setMac(host, far.hostIfindex, record[side].mac);
}

/**
 * Leaves an open wire with its other side only, whose interface stays as it is. `had` tells where this one was, `there`
 * what the kernel has of it.
 */
export async function standAlone(
  entry: Entry,
  side: Side,
  had: SideRecord,
  shop: Workshop,
  there = entry.record[side],
): Promise<void> {
  const { mac } = entry.record[side];
  entry.down.add(side);
  await clear(entry, side, there, shop);
  rewrite(entry, { ...entry.record, [side]: lost(had), leaving: null }, shop);
  tellFarEnd(entry, side, mac, shop);
  entry.state = 'open';
}

/** Makes the devices of a side that has none, and joins them to the other one, which is up. */
async function remake(entry: Entry, side: Side, shop: Workshop, handles: Handles): Promise<void> {
  const made = createSide(shop.host, shop.instance, entry.record, side, handles);
  entry.record = { ...entry.record, [side]: made };
  fault('remade');
  const joined = joinedOf(entry.record);
  shop.dataplane.wire(joined, entering(handles));
  shop.dataplane.detachOthers(joined);
  entry.down.delete(side);
  for (const down of entry.down) shop.dataplane.blockTowards(joined, down, 'port_down');
  establishPod(entry.record, side, handles[side]);
  const [up] = shop.host.batch([upRequest(made.hostIfindex)]);
  if (up?.ok === false) throw up.error;
  // Without carrier at the other end, which is its pod's affair, nothing could become ready.
  if (entry.down.size === 0) await waitReady(shop.host, entry.record, handles);
  fault('moved');
  rewrite(entry, { ...entry.record, leaving: null }, shop);
  entry.state = 'open';
}

/**
 * The rest of a move that the record speaks of already: `there` is what the kernel has of the side by now. If it
 * fails the wire is left with its other side.
 */
export async function finishMove(
  entry: Entry,
  { side, had }: NonNullable<WireRecord['leaving']>,
  there: SideRecord,
  shop: Workshop,
  handles: Handles,
): Promise<void> {
  try {
    fault('leaving');
    await clear(entry, side, there, shop);
    fault('left');
    tellFarEnd(entry, side, had.mac, shop);
    // The wire may have another MTU with this side.
    changeMtu(shop.host, entry.record, entry.record.mtu, handles, [farSide(side)]);
    await remake(entry, side, shop, handles);
  } catch (error) {
    try {
      const made = entry.record[side];
      await standAlone(entry, side, had, shop, isLost(made) ? there : made);
    } catch (failure) {
      // The record still speaks of the move: the next agent goes on from here.
      entry.state = 'open';
      throw new Error(`${String(error)}; undoing it failed too: ${String(failure)}`, { cause: failure });
    }
    throw error;
  }
}

/** Puts one side of an open wire elsewhere, as planned: what it had is taken away, then it is made anew. */
export async function carryOutMove(
  entry: Entry,
  side: Side,
  to: WireRecord,
  shop: Workshop,
  handles: Handles,
): Promise<void> {
  const before = entry.record;
  const leaving = { side, had: before[side] };
  try {
    rewrite(entry, { ...to, leaving }, shop);
  } catch (error) {
    entry.record = before;
    throw error;
  }
  entry.state = 'opening';
  await finishMove(entry, leaving, leaving.had, shop, handles);
}
