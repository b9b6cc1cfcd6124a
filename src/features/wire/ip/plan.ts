import type { Side } from '../../../dataplane/port.ts';
import type { NetnsHandle } from '../../../net/netns.ts';
import type { NetlinkSocket } from '../../../net/socket.ts';
import type { IpRecord, SideRecord } from '../../../state/wire-record.ts';
import type { IpSpec } from '../api.ts';
import { ofPod } from '../devices.ts';
import type { Beside } from '../ends.ts';
import { refuseOverlap } from './overlap.ts';
import { type IpParsed, parseIpSpec } from './parse.ts';
import { assignTables } from './tables.ts';

export const noIp: IpRecord = { addresses: [], routes: [], neighbors: [], policies: [] };

export const ipOf = ({ addresses, routes, neighbors, policies }: IpRecord): IpRecord => ({
  addresses,
  routes,
  neighbors,
  policies,
});

export const sameIp = (a: IpRecord, b: IpRecord): boolean =>
  JSON.stringify(ipOf(a)) === JSON.stringify(ipOf(b));

/** Runs what needs a socket in the namespace; not called where nothing has to be asked. */
export type Within = <T>(act: (socket: NetlinkSocket) => T) => T;

interface Around {
  side: Side;
  /** What the interface has by now. */
  had: IpRecord;
  /** Those of ours that end in the namespace. */
  beside: Beside;
}

/** What is wanted, settled with the namespace before anything is changed. Throws Failure. */
export function planIp(within: Within, wanted: IpParsed, { side, had, beside }: Around): IpRecord {
  const fresh = wanted.addresses
    .map((value, index) => ({ value, index }))
    .filter(({ value }) => !had.addresses.includes(value));
  if (fresh.length > 0) {
    within((socket) => {
      refuseOverlap(socket, fresh, side, beside);
    });
  }
  return { ...wanted, policies: assignTables(within, wanted.policies, had.policies, beside) };
}

/** What a change makes of one side's record. */
export function planIpChange(
  record: SideRecord,
  spec: IpSpec,
  side: Side,
  handle: NetnsHandle,
  beside: Beside,
): SideRecord {
  const within: Within = (act) => ofPod(handle, act);
  return {
    ...record,
    ...planIp(within, parseIpSpec(spec, side), { side, had: record, beside }),
    coming: null,
  };
}
