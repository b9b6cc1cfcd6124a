import { attrNest, attrString, attrU32, splitBody, type Attrs } from './attr.ts';
import { CodecError } from './error.ts';
import type { NetlinkSocket } from './socket.ts';
import { encodeTc } from './qdisc.ts';

/** RTM_*TFILTER: the filters at a hook of clsact. info = priority << 16 | EtherType in wire order. */
const RTM_GETTFILTER = 46;
const TCMSG = 20;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_CHAIN = 11;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_BPF_TAG = 10;
const TCA_BPF_ID = 11;
const TCA_BPF_FLAG_ACT_DIRECT = 1;

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
