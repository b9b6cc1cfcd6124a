import { readFileSync } from 'node:fs';
import { sides } from '../../dataplane/port.ts';
import type { WireRecord } from '../../state/wire-record.ts';
import { glink } from '../../net/ethtool.ts';
import { within } from '../../net/within.ts';
import { Failure } from '../failure.ts';
import type { Handles } from './devices.ts';

/** Between two looks, and for the whole wait, in ms. */
const POLL_MS = 1;
const LIMIT_MS = 5000;

/**
 * Asking for the carrier makes the kernel settle it: a new device's queue is inactive until a work queue
 * has seen the carrier, and the first ARP sent before that is lost, with a second to the next.
 */
function carriers(record: WireRecord, handles: Handles): boolean {
  const states: boolean[] = [];
  for (const side of sides) {
    within(handles[side], () => {
      states.push(glink(record[side].name));
    });
    states.push(glink(record[side].hostName));
  }
  return states.every(Boolean);
}

/** Lines of a table of the namespace that name the device, as words; none where there is no IPv6. */
function rows(table: 'if_inet6' | 'igmp6', name: string): string[][] {
  let text: string;
  try {
    text = readFileSync(`/proc/thread-self/net/${table}`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  // A pod may have hundreds of devices: only lines that may be meant are taken apart.
  return text
    .split('\n')
    .filter((line) => line.includes(name))
    .map((line) => line.trim().split(/\s+/));
}

/** Whether the device hears neighbour discovery for each of its addresses; 32 hex digits in both tables. */
function joinedSolicitedNodes(name: string): boolean {
  const addresses = rows('if_inet6', name).flatMap(([address = '', , , , , device]) =>
    device === name ? [address] : [],
  );
  const groups = new Set(
    rows('igmp6', name).flatMap(([, device, group = '']) => (device === name ? [group] : [])),
  );
  // The solicited-node group ends in the address's last 24 bits (RFC 4291).
  return addresses.every((address) => groups.has(`ff0200000000000000000001ff${address.slice(-6)}`));
}

/** The group is joined from a work queue after the device came up: until then neighbour discovery fails. */
function membershipsSeen(record: WireRecord, handles: Handles): boolean {
  return sides.every((side) => {
    const seen: boolean[] = [];
    within(handles[side], () => {
      seen.push(joinedSolicitedNodes(record[side].name));
    });
    return seen[0] === true;
  });
}

/** Settles when the first packet either way would arrive at once. */
export async function waitReady(record: WireRecord, handles: Handles): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    if (carriers(record, handles) && membershipsSeen(record, handles)) return;
    if (performance.now() > deadline)
      throw new Failure(
        'timeout',
        `Wire ${record.id}: its devices did not become ready within ${LIMIT_MS / 1000} s`,
      );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
