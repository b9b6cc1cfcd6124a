import { sides } from '../../dataplane/port.ts';
import { findDevices } from '../../net/device.ts';
import type { Handles } from './devices.ts';
import type { Entry } from './entry.ts';
import type { Workshop } from './open.ts';
import { comesTrue, waitReady } from './ready.ts';

/**
 * Waits until frames pass again after something was brought back, unless a host end is down, which is not of the pods
 * and may be so for good. That a port is up has to be heard first: until then the hops towards it drop.
 */
export async function settleAgain(entry: Entry, { host }: Workshop, handles: Handles): Promise<void> {
  const hosts = findDevices(
    host,
    sides.map((side) => ({ ifindex: entry.record[side].hostIfindex })),
  );
  if (!hosts.every((device) => device?.up === true)) return;
  await waitReady(host, entry.record, handles);
  await comesTrue(() => entry.down.size === 0);
}
