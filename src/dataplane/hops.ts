import { Direction, DropReason, Hook, HopAct, type Hop, type HopKey } from '../../maps/layouts.gen.ts';
import type { Datapath } from './datapath.ts';
import type { Port, Side } from './port.ts';

export const hopKeyOf = (port: Port): HopKey => ({
  ifindex: port.ifindex,
  vlan: 0,
  hook: Hook.HOOK_INGRESS,
  zone: 0,
});

export const directionFrom = (side: Side): Direction =>
  side === 'left' ? Direction.LEFT_TO_RIGHT : Direction.RIGHT_TO_LEFT;

/**
 * PEER hands the frame over behind the far veth, which the kernel refuses when that is in the agent's
 * own namespace; XDP goes through a devmap in any case.
 */
function actTowards(to: Port, datapath: Datapath): HopAct {
  return to.pod && !to.pod.own && datapath !== 'xdp' ? HopAct.HOP_PEER : HopAct.HOP_REDIRECT;
}

/** What comes in at a port of `from` goes out at `to`. */
export function forwarding(wire: number, from: Side, to: Port, datapath: Datapath): Hop {
  return {
    act: actTowards(to, datapath),
    out: to.ifindex,
    wire,
    tunnel: 0,
    dmac: to.mac,
    direction: directionFrom(from),
    flags: 0,
    reason: DropReason.DROP_NONE,
  };
}

/** Why the agent turns a hop to drop. */
export type BlockReason = 'closing' | 'port_down';
const blockReasons: Record<BlockReason, DropReason> = {
  closing: DropReason.DROP_CLOSING,
  port_down: DropReason.DROP_PORT_DOWN,
};

export const dropping = (hop: Hop, why: BlockReason): Hop => ({
  ...hop,
  act: HopAct.HOP_DROP,
  reason: blockReasons[why],
});

const reasonNames: Record<DropReason, string> = {
  [DropReason.DROP_NONE]: 'none',
  [DropReason.DROP_NO_HOP]: 'no_hop',
  [DropReason.DROP_CLOSING]: 'closing',
  [DropReason.DROP_PORT_DOWN]: 'port_down',
  [DropReason.DROP_UNKNOWN_ACT]: 'unknown_act',
  [DropReason.DROP_NO_PORT]: 'no_port',
  [DropReason.DROP_LOST_AFTER_REDIRECT]: 'lost_after_redirect',
};

/** How a reason is called in every output; `kernel` refines what was lost after a redirect. */
export function reasonName(reason: DropReason, kernel: string | null): string {
  const name = reasonNames[reason];
  return reason === DropReason.DROP_LOST_AFTER_REDIRECT && kernel !== null ? `${name}:${kernel}` : name;
}

const actNames: Record<HopAct, string> = {
  [HopAct.HOP_DROP]: 'drop',
  [HopAct.HOP_PASS]: 'pass',
  [HopAct.HOP_REDIRECT]: 'redirect',
  [HopAct.HOP_PEER]: 'peer',
  [HopAct.HOP_ENCAP]: 'encap',
  [HopAct.HOP_BRIDGE]: 'bridge',
  [HopAct.HOP_RELAY]: 'relay',
};

/** An entry as it stands in the table, key and value. */
export function entryText({ ifindex }: Pick<HopKey, 'ifindex'>, hop: Hop | null): string {
  const key = `hops[ifindex ${ifindex}, ingress]`;
  if (hop === null) return `${key} is missing`;
  const direction = hop.direction === Direction.LEFT_TO_RIGHT ? 'left to right' : 'right to left';
  return `${key} = ${actionName(hop)}, out ifindex ${hop.out}, wire ${hop.wire}, ${direction}`;
}

/** What an entry does, in words: `peer`, `drop: closing`, `missing`. */
export function actionName(hop: Hop | null): string {
  if (hop === null) return 'missing';
  return hop.act === HopAct.HOP_DROP ? `drop: ${reasonName(hop.reason, null)}` : actNames[hop.act];
}

export const sameHop = (a: Hop, b: Hop): boolean =>
  a.act === b.act &&
  a.out === b.out &&
  a.wire === b.wire &&
  a.tunnel === b.tunnel &&
  a.direction === b.direction &&
  a.flags === b.flags &&
  a.reason === b.reason &&
  a.dmac.equals(b.dmac);
