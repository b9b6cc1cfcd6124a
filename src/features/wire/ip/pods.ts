import { sides, type Side } from '../../../dataplane/port.ts';
import { setUp } from '../../../net/device.ts';
import type { NetnsHandle } from '../../../net/netns.ts';
import type { IpRecord, SideRecord, WireRecord } from '../../../state/wire-record.ts';
import { type Handles, inPod } from '../devices.ts';
import { fault } from '../fault.ts';
import { reopen } from '../namespaces.ts';
import { converge, dropRules, establish } from './converge.ts';
import { naming } from './report.ts';
import { restore } from './restore.ts';
import { letAnyonePing, trustAddresses } from './sysctls.ts';

const reached: Readonly<Record<Side, 'addressed left' | 'addressed right'>> = {
  left: 'addressed left',
  right: 'addressed right',
};

/** The pods' ends of a wire whose devices were just made: told all of IP, and brought up. */
export function establishPods(record: WireRecord, handles: Handles): void {
  for (const side of sides) establishPod(record, side, handles[side]);
}

export function establishPod(record: WireRecord, side: Side, handle: NetnsHandle): void {
  inPod(handle, (socket) => {
    if (record.owner === 'connection') letAnyonePing();
    establish({ socket, side, record: record[side] });
  });
  fault(reached[side]);
}

/** The same for ends of which an earlier agent may have done a part. */
export function completePods(record: WireRecord, handles: Handles): void {
  for (const side of sides)
    inPod(handles[side], (socket) => {
      if (record.owner === 'connection') letAnyonePing();
      trustAddresses(record[side].name);
      setUp(socket, record[side].ifindex);
      converge({ socket, side, record: record[side] }, [], record[side]);
    });
}

/** What was brought back to the pods' ends of a wire that is open, a line per side. */
export function restorePods(record: WireRecord, handles: Handles): string[] {
  return sides.flatMap((side) => {
    const names = inPod(handles[side], (socket) => restore({ socket, side, record: record[side] }));
    return names.length === 0 ? [] : [`${side}: ${naming(names)}`];
  });
}

/** Takes back what a change that was cut short may have done to a side, or what it took away. */
export function revertChange(record: SideRecord, side: Side, coming: IpRecord, handle: NetnsHandle): void {
  inPod(handle, (socket) => {
    converge({ socket, side, record }, [coming], record);
  });
}

/** Deletes the rules of a side, if its namespace still lives. */
export function dropRulesOf(record: SideRecord, side: Side): void {
  const { netns, coming } = record;
  const ips: IpRecord[] = [record, ...(coming === null ? [] : [coming])];
  if (ips.every(({ policies }) => policies.length === 0)) return;
  const handle = reopen(netns);
  if (handle === null) return;
  try {
    inPod(handle, (socket) => {
      dropRules({ socket, side, record }, ips);
    });
  } finally {
    handle.close();
  }
}
