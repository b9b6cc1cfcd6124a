import { attrNest, attrString, attrU32, splitBody, type Attrs } from './attr.ts';
import { CodecError, NetlinkError } from './error.ts';
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, type Request } from './message.ts';
import type { NetlinkSocket } from './socket.ts';
import { encodeTc } from './qdisc.ts';

/** RTM_*TFILTER: the filters at a hook of clsact. info = priority << 16 | EtherType in wire order. */
const RTM_NEWTFILTER = 44;
const RTM_GETTFILTER = 46;
const ENOENT = 2;
const EINVAL = 22;
const TCMSG = 20;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_CHAIN = 11;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_BPF_TAG = 10;
const TCA_BPF_ID = 11;
const TCA_BPF_FLAG_ACT_DIRECT = 1;
const ETH_P_ALL = 3;
/** As an ifindex: the parent is the number of a block, TCM_IFINDEX_MAGIC_BLOCK. */
const MAGIC_BLOCK = -1;

export const hooks = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;
export type Hook = keyof typeof hooks;

export interface BpfFilter {
  /** What its maker called it: "object.o:[section]" for most. */
  readonly name: string | null;
  /** The program's id and tag; null for a classic BPF program. */
  readonly program: number | null;
  readonly tag: string | null;
  /** The program's return value is the verdict. */
  readonly directAction: boolean;
}

export interface Filter {
  readonly ifindex: number;
  readonly kind: string;
  readonly parent: number;
  readonly handle: number;
  readonly priority: number;
  /** EtherType: 3 is all. */
  readonly protocol: number;
  readonly chain: number;
  /** null: of another kind than bpf. */
  readonly bpf: BpfFilter | null;
}

const swap16 = (value: number): number => ((value & 0xff) << 8) | ((value >> 8) & 0xff);

function bpfOf(options: Attrs): BpfFilter {
  return {
    name: options.string(TCA_BPF_NAME),
    program: options.u32(TCA_BPF_ID),
    tag: options.bytes(TCA_BPF_TAG)?.toString('hex') ?? null,
    directAction: ((options.u32(TCA_BPF_FLAGS) ?? 0) & TCA_BPF_FLAG_ACT_DIRECT) !== 0,
  };
}

/** As the kernel would tell it; programs are attached elsewhere. */
export function encodeFilter(filter: Filter): Buffer {
  const { ifindex, handle, parent, priority, protocol, chain, kind, bpf } = filter;
  const info = ((priority << 16) | swap16(protocol)) >>> 0;
  const attrs = [attrString(TCA_KIND, kind), attrU32(TCA_CHAIN, chain)];
  if (bpf !== null) {
    const options = [attrU32(TCA_BPF_FLAGS, bpf.directAction ? TCA_BPF_FLAG_ACT_DIRECT : 0)];
    if (bpf.name !== null) options.push(attrString(TCA_BPF_NAME, bpf.name));
    if (bpf.program !== null) options.push(attrU32(TCA_BPF_ID, bpf.program));
    attrs.push(attrNest(TCA_OPTIONS, options));
  }
  return encodeTc({ ifindex, handle, parent, info }, attrs);
}

export function decodeFilter(body: Buffer): Filter {
  const { header, attrs } = splitBody(body, TCMSG);
  const kind = attrs.string(TCA_KIND);
  if (kind === null) throw new CodecError('A filter message without a kind');
  const info = header.readUInt32LE(16);
  const options = kind === 'bpf' ? attrs.nested(TCA_OPTIONS) : null;
  return {
    ifindex: header.readInt32LE(4),
    kind,
    parent: header.readUInt32LE(12),
    handle: header.readUInt32LE(8),
    priority: info >>> 16,
    protocol: swap16(info & 0xffff),
    chain: attrs.u32(TCA_CHAIN) ?? 0,
    bpf: options === null ? null : bpfOf(options),
  };
}

/** In the order they run. Empty when the device has no clsact. */
export function listFilters(socket: NetlinkSocket, ifindex: number, hook: Hook): Filter[] {
  const replies = socket.dump({
    op: `List ${hook} filters of device`,
    object: `ifindex ${ifindex}`,
    type: RTM_GETTFILTER,
    flags: 0,
    body: encodeTc({ ifindex, handle: 0, parent: hooks[hook], info: 0 }),
  });
  // Each priority comes first as a head without a handle.
  return replies.map((reply) => decodeFilter(reply.body)).filter((filter) => filter.handle !== 0);
}

/** A filter's place in a block that devices share. Handle and priority are not 0, which would mean any. */
export interface BlockSlot {
  readonly block: number;
  readonly handle: number;
  readonly priority: number;
}

const slotBody = ({ block, handle, priority }: BlockSlot, attrs: readonly Buffer[] = []): Buffer => {
  const info = ((priority << 16) | swap16(ETH_P_ALL)) >>> 0;
  return encodeTc({ ifindex: MAGIC_BLOCK, handle, parent: block, info }, [
    attrString(TCA_KIND, 'bpf'),
    ...attrs,
  ]);
};

/**
 * Puts a program, direct action, into a slot. 'add': EEXIST when the slot is taken; 'replace': atomic, every
 * packet of every device meets the old or the new one. EINVAL when no qdisc refers to the block.
 */
export function blockFilterRequest(
  slot: BlockSlot,
  program: { readonly fd: number; readonly name: string },
  how: 'add' | 'replace',
): Request {
  return {
    op: how === 'add' ? 'Add filter to block' : 'Replace filter of block',
    object: `${slot.block}`,
    type: RTM_NEWTFILTER,
    flags: NLM_F_CREATE | (how === 'add' ? NLM_F_EXCL : NLM_F_REPLACE),
    body: slotBody(slot, [
      attrNest(TCA_OPTIONS, [
        attrU32(TCA_BPF_FD, program.fd),
        attrString(TCA_BPF_NAME, program.name),
        attrU32(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT),
      ]),
    ]),
  };
}

/** What is in a slot; null when it is empty or there is no such block. */
export function findBlockFilter(socket: NetlinkSocket, slot: BlockSlot): Filter | null {
  try {
    const [found] = socket.request({
      op: 'Find filter of block',
      object: `${slot.block}`,
      type: RTM_GETTFILTER,
      flags: 0,
      body: slotBody(slot),
    });
    return found === undefined ? null : decodeFilter(found.body);
  } catch (error) {
    if (error instanceof NetlinkError && (error.errno === ENOENT || error.errno === EINVAL)) return null;
    throw error;
  }
}
