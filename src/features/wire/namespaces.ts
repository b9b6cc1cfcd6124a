import { type FileIdentity, sameFile } from '../../file-identity.ts';
import { farSide, sides, type Side } from '../../dataplane/port.ts';
import type { NetnsRecord, WireRecord } from '../../state/wire-record.ts';
import { locateNetns } from '../../net/locate.ts';
import { NetnsError, type NetnsHandle, openNetns } from '../../net/netns.ts';
import { type NetnsRef, parseNetns } from '../../net/netns-ref.ts';
import { Failure } from '../failure.ts';
import type { SideSpec } from './api.ts';
import type { Handles } from './devices.ts';

/** Opens what a caller named, if it is the one that was meant. */
function openMeant({ netns, identity }: SideSpec, side: Side): NetnsHandle {
  const field = `${side}.netns`;
  const handle = openNetns(parseNetns(netns, field), field);
  if (identity === null || sameFile(handle, identity)) return handle;
  handle.close();
  const meant = `${identity.dev}:${identity.inode}`;
  throw new Failure(
    'refused',
    `${field} is '${netns}', which leads to namespace ${handle.dev}:${handle.inode} where ${meant} is meant`,
    { field, value: netns, allowed: `what leads to the namespace with device and inode ${meant}` },
  );
}

/** Borrows both namespaces of a new wire for one operation; they are closed when it is over. */
export async function borrowing<T>(
  ends: Readonly<Record<Side, SideSpec>>,
  use: (handles: Handles) => Promise<T>,
): Promise<T> {
  const left = openMeant(ends.left, 'left');
  try {
    const right = openMeant(ends.right, 'right');
    try {
      return await use({ left, right });
    } finally {
      right.close();
    }
  } finally {
    left.close();
  }
}

function openIfMeant(ref: NetnsRef, meant: FileIdentity): NetnsHandle | null {
  let handle: NetnsHandle;
  try {
    handle = openNetns(ref);
  } catch (error) {
    if (error instanceof NetnsError && error.problem !== 'denied') return null;
    throw error;
  }
  if (sameFile(handle, meant)) return handle;
  handle.close();
  return null;
}

/**
 * Opens the namespace a record means; null when it has ended. What it was named by may lead nowhere by now,
 * or elsewhere: a descriptor is closed, a process ends while others live on beside it.
 */
export function reopen(record: NetnsRecord): NetnsHandle | null {
  const handle = openIfMeant(parseNetns(record.ref), record);
  if (handle !== null) return handle;
  const located = locateNetns(record);
  return located === null ? null : openIfMeant(located, record);
}

/** For a side that is to be somewhere else: where it is to be, and where the other one is. */
export async function borrowingFor<T>(
  record: WireRecord,
  side: Side,
  spec: SideSpec,
  use: (handles: Handles) => Promise<T>,
): Promise<T> {
  const target = openMeant(spec, side);
  try {
    const far = reopen(record[farSide(side)].netns);
    if (far === null)
      throw new Failure('refused', `Wire ${record.id}: the namespace of its ${farSide(side)} side has ended`);
    try {
      return await use(side === 'left' ? { left: target, right: far } : { left: far, right: target });
    } finally {
      far.close();
    }
  } finally {
    target.close();
  }
}

/** Like `borrowing`, for a wire that exists; null for a namespace that has ended. */
export async function reborrowing<T>(
  record: WireRecord,
  use: (handles: Record<Side, NetnsHandle | null>) => Promise<T>,
): Promise<T> {
  const handles: Record<Side, NetnsHandle | null> = { left: null, right: null };
  try {
    for (const side of sides) handles[side] = reopen(record[side].netns);
    return await use(handles);
  } finally {
    for (const side of sides) handles[side]?.close();
  }
}

export function bothAlive(handles: Readonly<Record<Side, NetnsHandle | null>>): Handles | null {
  const { left, right } = handles;
  return left && right ? { left, right } : null;
}
