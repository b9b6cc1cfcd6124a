import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BpfError } from '../../loader/error.ts';
import { attachClsact, detachClsact, queryClsact, replaceClsact } from '../../loader/link/clsact.ts';
import { BpfLink } from '../../loader/link/link.ts';
import { attachTcx } from '../../loader/link/tcx.ts';
import { attachXdp } from '../../loader/link/xdp.ts';
import { unpin } from '../../loader/pin.ts';
import type { BpfProgram } from '../../loader/program.ts';
import { NetlinkSocket } from '../net/socket.ts';
import { FilterBlocks } from './blocks.ts';
import type { Datapath } from './datapath.ts';
import type { Side } from './port.ts';
import { filterSlot } from './slot.ts';

/** Where one program is attached, or is to be. */
export interface Place {
  wire: number;
  datapath: Datapath;
  ifindex: number;
  /** The agent made the device, so its clsact is the agent's alone. */
  made: boolean;
  /** Of the pin, for the datapaths that have links. */
  pinName: string;
}

/** Where a hop's program attaches; datapaths with links pin theirs as `wWIRE-SIDE-DATAPATH`. */
export const placeOf = (
  wire: { id: number; datapath: Datapath },
  side: Side,
  { ifindex, made }: { ifindex: number; made: boolean },
): Place => ({
  wire: wire.id,
  datapath: wire.datapath,
  ifindex,
  made,
  pinName: `w${wire.id}-${side}-${wire.datapath}`,
});

/** Tries the free slot first: asking an empty one is an error to the kernel. */
function attachFilter(ifindex: number, program: BpfProgram): void {
  try {
    attachClsact(program, ifindex, 'ingress', filterSlot);
  } catch (error) {
    if (!(error instanceof BpfError) || error.code !== 'EEXIST') throw error;
    if (queryClsact(ifindex, 'ingress', filterSlot) !== program.info.id)
      replaceClsact(program, ifindex, 'ingress', filterSlot);
  }
}

/**
 * Attaches, replaces and detaches programs, by links that are pinned in a directory or by filters. clsact
 * is of the namespace this was made in, the others of the calling thread's. The caller closes it.
 */
export class Attachments {
  readonly #links: string;
  readonly #socket: NetlinkSocket;
  readonly #blocks: FilterBlocks;

  constructor(links: string, instance: string) {
    this.#links = links;
    this.#socket = NetlinkSocket.open();
    this.#blocks = new FilterBlocks(this.#socket, instance);
  }

  /** See Dataplane.listFilters. */
  listFilters(): () => void {
    return this.#blocks.list();
  }

  /** The pinned link if it still holds the device. */
  #livingLink(place: Place): BpfLink | null {
    const path = join(this.#links, place.pinName);
    if (!existsSync(path)) return null;
    const link = BpfLink.openPinned(path);
    if (link.info.ifindex === place.ifindex) return link;
    link.close();
    return null;
  }

  /** Id of the program that runs at this place now, null for none of ours. */
  programAt(place: Place): number | null {
    if (place.datapath === 'clsact') {
      const shared = this.#blocks.programAt(place.wire, place.ifindex);
      return shared === undefined ? queryClsact(place.ifindex, 'ingress', filterSlot) : shared;
    }
    const link = this.#livingLink(place);
    if (!link) return null;
    try {
      return link.info.programId;
    } finally {
      link.close();
    }
  }

  /**
   * Makes `program` run at this place, at once and without a gap: attaches it, replaces another version,
   * or leaves the right one alone.
   */
  attach(place: Place, program: BpfProgram): void {
    if (place.datapath === 'clsact') {
      const shared = place.made && this.#blocks.attach(place.wire, place.ifindex, program);
      if (!shared) attachFilter(place.ifindex, program);
      return;
    }
    const old = this.#livingLink(place);
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
    const pin = join(this.#links, place.pinName);
    try {
      unpin(pin); // of a device that is gone
      link.pin(pin);
    } finally {
      link.close();
    }
  }

  /** Takes our program away from a place whose device stays. Harmless when it is gone already. */
  detach(place: Place): void {
    if (place.datapath === 'clsact') {
      if (!this.#blocks.detach(place.wire, place.ifindex)) detachClsact(place.ifindex, 'ingress', filterSlot);
      return;
    }
    const link = this.#livingLink(place);
    if (!link) return;
    try {
      link.detach();
    } catch (error) {
      // Raced with the device's end: nothing is attached, which is what was wanted.
      if (!(error instanceof BpfError) || error.code !== 'ENOLINK') throw error;
    } finally {
      link.close();
    }
    unpin(join(this.#links, place.pinName));
  }

  /** Forgets the pin of a place whose device is gone; the kernel has dropped the rest. */
  forgetPin(place: Place): void {
    if (place.datapath !== 'clsact') unpin(join(this.#links, place.pinName));
  }

  close(): void {
    this.#socket.close();
  }
}
