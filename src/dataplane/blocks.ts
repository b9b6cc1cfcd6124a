import { createHash } from 'node:crypto';
import { EEXIST } from '../../loader/errno.ts';
import type { BpfProgram } from '../../loader/program.ts';
import { blockFilterRequest, findBlockFilter, type BlockSlot } from '../net/filter.ts';
import { addClsactRequest, deleteClsact, findClsact, listQdiscs, type Blocks } from '../net/qdisc.ts';
import type { NetlinkSocket } from '../net/socket.ts';
import { filterSlot } from './slot.ts';

/** Blocks of an instance at each hook. */
const BLOCKS = 256;

/** In the upper half of all numbers, where nobody counts up from 1: 22 bits tell instances apart. */
const firstBlock = (instance: string): number =>
  (0x80000000 | (createHash('sha256').update(instance).digest().readUInt32BE(0) & 0x7ffffe00)) >>> 0;

/**
 * The clsact of devices the agent made. Their filters are in blocks that many devices share: for each block
 * there is, adding a clsact and removing it walks a list of all the blocks of the machine (decision 006).
 * Not all share one, since a block's devices are a list as well.
 */
export class FilterBlocks {
  readonly #socket: NetlinkSocket;
  readonly #first: number;
  /** Id of the program that this process has put into a block, or has found there. */
  readonly #programs = new Map<number, number>();
  /** Ingress blocks of the clsacts there are, by ifindex, while they are listed. */
  #listed: Map<number, number | null> | null = null;

  /** `socket` is of the agent's namespace; the caller closes it. */
  constructor(socket: NetlinkSocket, instance: string) {
    this.#socket = socket;
    this.#first = firstBlock(instance);
  }

  #slot(wire: number): BlockSlot {
    return { block: this.#first + (wire % BLOCKS), ...filterSlot };
  }

  /** Nothing is in the one at egress. A clsact without it would have one to itself. */
  #blocks(wire: number): Blocks {
    const { block } = this.#slot(wire);
    return { ingress: block, egress: block + BLOCKS };
  }

  /** Asks for all devices at once instead of for each, until the returned function is called. */
  list(): () => void {
    const clsacts = listQdiscs(this.#socket, null).filter(({ kind }) => kind === 'clsact');
    this.#listed = new Map(clsacts.map(({ ifindex, blocks }) => [ifindex, blocks.ingress]));
    return () => {
      this.#listed = null;
    };
  }

  #holds(wire: number, ifindex: number): boolean {
    const block = this.#listed?.get(ifindex) ?? findClsact(this.#socket, ifindex)?.blocks.ingress;
    return block === this.#slot(wire).block;
  }

  /** False, and nothing is changed, when the device has a clsact that is not of the wire's block. */
  attach(wire: number, ifindex: number, program: BpfProgram): boolean {
    const slot = this.#slot(wire);
    const { id, name } = program.info;
    const [clsact, filter] = this.#socket.batch([
      addClsactRequest(ifindex, this.#blocks(wire)),
      blockFilterRequest(slot, { fd: program.fd, name }, 'add'),
    ]);
    if (clsact?.ok === false) {
      if (clsact.errno !== EEXIST) throw clsact.error;
      if (!this.#holds(wire, ifindex)) return false;
    }
    if (filter?.ok === false && filter.errno !== EEXIST) {
      if (clsact?.ok === true) deleteClsact(this.#socket, ifindex);
      throw filter.error;
    }
    if (filter?.ok === false && this.#programs.get(slot.block) !== id)
      if (findBlockFilter(this.#socket, slot)?.bpf?.program !== id)
        this.#socket.request(blockFilterRequest(slot, { fd: program.fd, name }, 'replace'));
    this.#programs.set(slot.block, id);
    return true;
  }

  /** Id of the program that runs at a device; undefined when its clsact is not of the wire's block. */
  programAt(wire: number, ifindex: number): number | null | undefined {
    if (!this.#holds(wire, ifindex)) return undefined;
    const slot = this.#slot(wire);
    const known = this.#programs.get(slot.block);
    if (known !== undefined) return known;
    const found = findBlockFilter(this.#socket, slot)?.bpf?.program ?? null;
    if (found !== null) this.#programs.set(slot.block, found);
    return found;
  }

  /** Takes the clsact off a device. False when it has none that is of the wire's block. */
  detach(wire: number, ifindex: number): boolean {
    if (!this.#holds(wire, ifindex)) return false;
    this.#listed?.delete(ifindex);
    deleteClsact(this.#socket, ifindex);
    return true;
  }
}
