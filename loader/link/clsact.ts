import * as libbpf from '../libbpf.ts';
import { BpfError, refuse } from '../error.ts';
import { EEXIST, EINVAL, ENOENT } from '../errno.ts';
import { collecting } from '../log.ts';
import type { BpfProgram } from '../program.ts';
import { tcHook, tcOpts } from '../uapi.ts';
import type { Direction } from './tcx.ts';

// Below Linux 6.6: the clsact qdisc and a cls_bpf filter in direct-action mode, by libbpf's netlink code.
// A filter is no object with a descriptor: it stays until it is removed or its device goes, and is
// addressed by handle and priority.

/** Together the owner's mark. Zero would mean "any", which could be somebody else's. */
export interface FilterSlot {
  /** 1 to 2^32 - 1 */
  readonly handle: number;
  /** 1, which runs first, to 65535 */
  readonly priority: number;
}

const INGRESS = 1;
const EGRESS = 2;
const REPLACE = 1;

const points = { ingress: INGRESS, egress: EGRESS } as const;

const hookOf = (ifindex: number, attach_point: number): Buffer =>
  tcHook.encode({ sz: BigInt(tcHook.size), ifindex, attach_point });
function optsOf(slot: FilterSlot, more: { prog_fd?: number; flags?: number } = {}): Buffer {
  const { handle, priority } = slot;
  if (handle < 1 || handle > 0xffffffff || priority < 1 || priority > 0xffff)
    refuse('Use', `filter slot with handle ${handle}, priority ${priority}`, 'it is out of range');
  return tcOpts.encode({ sz: BigInt(tcOpts.size), handle, priority, ...more });
}

interface Answer {
  readonly result: number;
  /** The kernel's extended acknowledgement, which libbpf only prints. */
  readonly said: string | null;
}

function ask(call: () => number): Answer {
  const { result, messages } = collecting(call, true);
  const said = messages.findLast((message) => message.includes('Kernel error message: '));
  return { result, said: said?.replace(/^.*Kernel error message: /, '') ?? null };
}

function settle({ result, said }: Answer, op: string, object: string): void {
  if (result < 0) throw new BpfError({ op, object, errno: result, detail: said });
}

/** The slot is empty, or (EINVAL, our arguments being sound) the device has no clsact at all. */
const isEmpty = ({ result }: Answer): boolean => result === -ENOENT || result === -EINVAL;
const where = (ifindex: number, direction: Direction, slot: FilterSlot): string =>
  `at ifindex ${ifindex} ${direction}, handle ${slot.handle}, priority ${slot.priority}`;

/** Makes the clsact qdisc of a device of the calling thread's namespace; says whether it existed. */
export function createClsact(ifindex: number): { existed: boolean } {
  const answer = ask(() => libbpf.bpf_tc_hook_create(hookOf(ifindex, INGRESS)));
  if (answer.result === -EEXIST) return { existed: true };
  settle(answer, 'Create clsact', `at ifindex ${ifindex}`);
  return { existed: false };
}

/** Removes the qdisc with every filter on it, whoever's: only for a device of one's own. False if there was none. */
export function removeClsact(ifindex: number): boolean {
  const answer = ask(() => libbpf.bpf_tc_hook_destroy(hookOf(ifindex, INGRESS | EGRESS)));
  if (isEmpty(answer)) return false;
  settle(answer, 'Remove clsact', `at ifindex ${ifindex}`);
  return true;
}

/**
 * Adds a filter in a free slot, making the qdisc where there is none. EEXIST if the slot is taken. A qdisc
 * made for a filter that then fails is removed again.
 */
export function attachClsact(
  program: BpfProgram,
  ifindex: number,
  direction: Direction,
  slot: FilterSlot,
): { existed: boolean } {
  const opts = optsOf(slot, { prog_fd: program.fd });
  const qdisc = createClsact(ifindex);
  const answer = ask(() => libbpf.bpf_tc_attach(hookOf(ifindex, points[direction]), opts));
  if (answer.result < 0 && !qdisc.existed) removeClsact(ifindex);
  settle(answer, 'Attach by clsact', `${program.what} ${where(ifindex, direction, slot)}`);
  return qdisc;
}

/** Puts another program into a slot; atomic, every packet meets the old or the new one. */
export function replaceClsact(
  program: BpfProgram,
  ifindex: number,
  direction: Direction,
  slot: FilterSlot,
): void {
  const opts = optsOf(slot, { prog_fd: program.fd, flags: REPLACE });
  const answer = ask(() => libbpf.bpf_tc_attach(hookOf(ifindex, points[direction]), opts));
  settle(answer, 'Replace by clsact', `${program.what} ${where(ifindex, direction, slot)}`);
}

/** The id of the program in a slot, null when the slot is empty. */
export function queryClsact(ifindex: number, direction: Direction, slot: FilterSlot): number | null {
  const opts = optsOf(slot);
  const answer = ask(() => libbpf.bpf_tc_query(hookOf(ifindex, points[direction]), opts));
  if (isEmpty(answer)) return null;
  settle(answer, 'Query clsact', where(ifindex, direction, slot));
  return tcOpts.fields.prog_id.read(opts);
}

/** Empties a slot and leaves the qdisc. False if it was empty. */
export function detachClsact(ifindex: number, direction: Direction, slot: FilterSlot): boolean {
  const opts = optsOf(slot);
  const answer = ask(() => libbpf.bpf_tc_detach(hookOf(ifindex, points[direction]), opts));
  if (isEmpty(answer)) return false;
  settle(answer, 'Detach by clsact', where(ifindex, direction, slot));
  return true;
}
