import { farSide, sides, type Side } from '../../dataplane/port.ts';
import type { ByDirection, Dropped, View } from '../../dataplane/view.ts';
import type { WireRecord } from '../../state/wire-record.ts';
import type { CounterItem, HopItem, PortItem, WireItem, WireOutline, WireState } from './api.ts';
import { lostSide } from './entry.ts';

function port(record: WireRecord, side: Side): PortItem {
  const { netns, name, ifindex, mac, hostName, hostIfindex, addresses } = record[side];
  return { netns: netns.ref, name, ifindex, mac, host: { name: hostName, ifindex: hostIfindex }, addresses };
}

function hop(record: WireRecord, view: View, from: Side): HopItem {
  const { hostName, hostIfindex } = record[from];
  return {
    from: hostName,
    to: record[farSide(from)].hostName,
    datapath: record.datapath,
    reason: record.reason,
    action: view.action(hostIfindex),
  };
}

export function wireOutline(record: WireRecord, state: WireState): WireOutline {
  const { id, connection, owner } = record;
  return { id, connection, owner, state, lost: lostSide(record) ?? null };
}

/** `drops` is one reading of View.dropped, shared by the items of a list. */
export function wireItem(
  record: WireRecord,
  state: WireState,
  view: View,
  drops: ReadonlyMap<number, ByDirection<Dropped>>,
): WireItem {
  const forwarded = view.forwarded(record.id);
  const dropped = drops.get(record.id);
  const counters = (direction: keyof ByDirection<Dropped>): CounterItem => ({
    ...forwarded[direction],
    dropped: dropped?.[direction] ?? {},
  });
  return {
    id: record.id,
    connection: record.connection,
    service: record.service,
    owner: record.owner,
    state,
    since: record.since,
    mtu: record.mtu,
    left: port(record, 'left'),
    right: port(record, 'right'),
    hops: sides.map((side) => hop(record, view, side)),
    counters: { leftToRight: counters('leftToRight'), rightToLeft: counters('rightToLeft') },
  };
}
