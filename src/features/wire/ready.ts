import { readFileSync } from 'node:fs';
import { sides } from '../../dataplane/port.ts';
import { type WireRecord } from '../../state/wire-record.ts';
import { glink } from '../../net/ethtool.ts';
import { within } from '../../net/within.ts';
import { Failure } from '../failure.ts';
import { type Handles } from './devices.ts';

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

/** Addresses of `/proc/net/igmp6` are 32 hex digits; the solicited-node group ends in the address's last 24 bits (RFC 4291). */
function joinedSolicitedNode(name: string): boolean {
  let table: string;
  try {
    table = readFileSync('/proc/thread-self/net/igmp6', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true; // no IPv6 in this namespace
    throw error;
  }
  const conf = `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`;
  try {
    if (readFileSync(conf, 'utf8').trim() === '1') return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
  return table.split('\n').some((line) => {
    const [, device, group] = line.trim().split(/\s+/);
    return device === name && group?.startsWith('ff0200000000000000000001ff') === true;
  });
}

/** The group is joined from a work queue after the device came up: until then neighbour discovery fails. */
function membershipsSeen(record: WireRecord, handles: Handles): boolean {
  return sides.every((side) => {
    const seen: boolean[] = [];
    within(handles[side], () => {
      seen.push(joinedSolicitedNode(record[side].name));
    });
    return seen[0] === true;
  });
}

/** Settles when the first packet either way would arrive at once. */
export async function waitReady(record: WireRecord, handles: Handles): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  // The smallest MTU IPv6 runs on (RFC 8200); below it there is no group to wait for.
  const ipv6 = record.mtu >= 1280;
  for (;;) {
    if (carriers(record, handles) && (!ipv6 || membershipsSeen(record, handles))) return;
    if (performance.now() > deadline)
      throw new Failure(
        'timeout',
        `Wire ${record.id}: its devices did not become ready within ${LIMIT_MS / 1000} s`,
      );
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
