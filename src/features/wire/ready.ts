import { sides, type Side } from '../../dataplane/port.ts';
import type { WireRecord } from '../../state/wire-record.ts';
import { glink } from '../../net/ethtool.ts';
import { hearsSolicitations } from '../../net/multicast.ts';
import { Failure } from '../failure.ts';
import type { NetlinkSocket } from '../../net/socket.ts';
import { ofPod, type Handles } from './devices.ts';

/** Between two looks, and for the whole wait, in ms. */
const POLL_MS = 1;
const LIMIT_MS = 5000;

/**
 * Asking for the carrier makes the kernel settle it: a new device's queue is inactive until a work queue
 * has seen the carrier, and the first ARP sent before that is lost, with a second to the next. Likewise a
 * work queue joins the group that neighbour discovery asks.
 */
function sideReady(host: NetlinkSocket, wire: WireRecord, side: Side, handles: Handles): boolean {
  const record = wire[side];
  const carried = glink(host, record.hostName);
  const pod = ofPod(handles[side], (socket) => {
    const carrier = glink(socket, record.name);
    return hearsSolicitations(socket, record.ifindex) && carrier;
  });
  return carried && pod;
}

/** Whether it came to be so in time. */
export async function comesTrue(isSo: () => boolean): Promise<boolean> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    if (isSo()) return true;
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Settles when the first packet either way would arrive at once. */
export async function waitReady(host: NetlinkSocket, record: WireRecord, handles: Handles): Promise<void> {
  // Both are asked, whatever the first one says.
  if (await comesTrue(() => sides.map((side) => sideReady(host, record, side, handles)).every(Boolean)))
    return;
  throw new Failure(
    'timeout',
    `Wire ${record.id}: its devices did not become ready within ${LIMIT_MS / 1000} s`,
  );
}
