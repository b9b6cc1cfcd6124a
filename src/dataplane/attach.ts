import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BpfError } from '../../loader/error.ts';
import { attachClsact, detachClsact, queryClsact, replaceClsact } from '../../loader/link/clsact.ts';
import { BpfLink } from '../../loader/link/link.ts';
import { attachTcx } from '../../loader/link/tcx.ts';
import { attachXdp } from '../../loader/link/xdp.ts';
import { unpin } from '../../loader/pin.ts';
import type { BpfProgram } from '../../loader/program.ts';
import type { Datapath } from './datapath.ts';
import type { PinPaths } from './pins.ts';
import type { Side } from './port.ts';

/** Our filter's place on a clsact qdisc: 0x7677 is "vw". A handle and priority make it replaceable. */
const filter = { handle: 1, priority: 0x7677 } as const;

/** Where one program is attached, or is to be. */
export interface Place {
  datapath: Datapath;
  ifindex: number;
  /** Directory and name of the pin, for the datapaths that have links. */
  links: string;
  pinName: string;
}

/** Where a hop's program attaches; datapaths with links pin theirs as `wWIRE-SIDE-DATAPATH`. */
export const placeOf = (
  paths: PinPaths,
  wire: { id: number; datapath: Datapath },
  side: Side,
  ifindex: number,
): Place => ({
  datapath: wire.datapath,
  ifindex,
  links: paths.links,
  pinName: `w${wire.id}-${side}-${wire.datapath}`,
});

const pinOf = (place: Place): string => join(place.links, place.pinName);

/** The pinned link if it still holds the device. */
function livingLink(place: Place): BpfLink | null {
  const path = pinOf(place);
  if (!existsSync(path)) return null;
  const link = BpfLink.openPinned(path);
  if (link.info.ifindex === place.ifindex) return link;
  link.close();
  return null;
}

/** Id of the program that runs at this place now, null for none of ours. */
export function attachedProgram(place: Place): number | null {
  if (place.datapath === 'clsact') return queryClsact(place.ifindex, 'ingress', filter);
  const link = livingLink(place);
  if (!link) return null;
  try {
    return link.info.programId;
  } finally {
    link.close();
  }
}

/** Tries the free slot first: that is the case for a new device, and asking an empty one is an error to the kernel. */
function attachFilter(ifindex: number, program: BpfProgram): void {
  try {
    attachClsact(program, ifindex, 'ingress', filter);
  } catch (error) {
    if (!(error instanceof BpfError) || error.code !== 'EEXIST') throw error;
    if (queryClsact(ifindex, 'ingress', filter) !== program.info.id)
      replaceClsact(program, ifindex, 'ingress', filter);
  }
}

/**
 * Makes `program` run at this place, at once and without a gap: attaches it, replaces another version,
 * or leaves the right one alone. Acts in the calling thread's network namespace.
 */
export function attach(place: Place, program: BpfProgram): void {
  if (place.datapath === 'clsact') {
    attachFilter(place.ifindex, program);
    return;
  }
  const old = livingLink(place);
  if (old) {
    try {
      if (old.info.programId !== program.info.id) old.update(program);
    } finally {
      old.close();
    }
    return;
  }
  const link =
    place.datapath === 'tcx'
      ? attachTcx(program, place.ifindex, 'ingress')
      : attachXdp(program, place.ifindex, 'native').link;
  try {
    unpin(pinOf(place)); // of a device that is gone
    link.pin(pinOf(place));
  } finally {
    link.close();
  }
}

/** Takes our program away from a place whose device stays. Harmless when it is gone already. */
export function detach(place: Place): void {
  if (place.datapath === 'clsact') {
    detachClsact(place.ifindex, 'ingress', filter);
    return;
  }
  const link = livingLink(place);
  if (!link) return;
  try {
    link.detach();
  } catch (error) {
    // Raced with the device's end: nothing is attached, which is what was wanted.
    if (!(error instanceof BpfError) || error.code !== 'ENOLINK') throw error;
  } finally {
    link.close();
  }
  unpin(pinOf(place));
}

/** Forgets the pin of a place whose device is gone; the kernel has dropped the rest. */
export function forgetPin(place: Place): void {
  if (place.datapath !== 'clsact') unpin(pinOf(place));
}
