import { attr, attrString, attrU32, attrU8, splitBody } from './attr.ts';
import type { Cidr } from './cidr.ts';
import { CodecError } from './error.ts';
import { familyNumber, familyOf, formatIp, ipBytes, type Family } from './ip.ts';
import { NLM_F_CREATE, NLM_F_EXCL, type Request } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** RTM_*RULE: struct fib_rule_hdr { u8 family, dst_len, src_len, tos, table, 2 reserved, action; u32 flags } and FRA_*. */
const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;
const RTM_GETRULE = 34;
const HEADER = 12;
const FRA = {
  DST: 1,
  SRC: 2,
  IIFNAME: 3,
  PRIORITY: 6,
  FWMARK: 10,
  SUPPRESS_PREFIXLEN: 14,
  TABLE: 15,
  FWMASK: 16,
  OIFNAME: 17,
  IP_PROTO: 22,
  SPORT_RANGE: 23,
  DPORT_RANGE: 24,
} as const;
const FIB_RULE_INVERT = 2;

// In the kernel's numbering.
const actions = [
  'unspec',
  'table',
  'goto',
  'nop',
  'reserved-4',
  'reserved-5',
  'blackhole',
  'unreachable',
  'prohibit',
] as const;
export type RuleAction = (typeof actions)[number];

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** null: the rule does not look at it. */
export interface Rule {
  readonly family: Family;
  readonly priority: number | null;
  readonly action: RuleAction;
  readonly table: number;
  readonly src: Cidr | null;
  readonly dst: Cidr | null;
  readonly iif: string | null;
  readonly oif: string | null;
  readonly fwmark: number | null;
  readonly fwmask: number | null;
  /** IPPROTO_*: 6 is TCP, 17 UDP. */
  readonly ipProto: number | null;
  readonly sport: PortRange | null;
  readonly dport: PortRange | null;
  /** Matches what does not match. */
  readonly invert: boolean;
  /** Routes with a prefix of this length or less do not count. */
  readonly suppressPrefix: number | null;
}

/** A rule that sends everything to a table; `more` narrows it. */
export function rule(family: Family, table: number, more: Partial<Rule> = {}): Rule {
  return {
    family,
    priority: null,
    action: 'table',
    table,
    src: null,
    dst: null,
    iif: null,
    oif: null,
    fwmark: null,
    fwmask: null,
    ipProto: null,
    sport: null,
    dport: null,
    invert: false,
    suppressPrefix: null,
    ...more,
  };
}

function ports(range: PortRange): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(range.from, 0);
  bytes.writeUInt16LE(range.to, 2);
  return bytes;
}

export function encodeRule(r: Rule): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt8(familyNumber(r.family), 0);
  header.writeUInt8(r.dst?.prefix ?? 0, 1);
  header.writeUInt8(r.src?.prefix ?? 0, 2);
  header.writeUInt8(r.table < 256 ? r.table : 0, 4);
  header.writeUInt8(actions.indexOf(r.action), 7);
  header.writeUInt32LE(r.invert ? FIB_RULE_INVERT : 0, 8);
  const parts = [header, attrU32(FRA.TABLE, r.table)];
  if (r.priority !== null) parts.push(attrU32(FRA.PRIORITY, r.priority));
  if (r.dst !== null) parts.push(attr(FRA.DST, ipBytes(r.dst.address)));
  if (r.src !== null) parts.push(attr(FRA.SRC, ipBytes(r.src.address)));
  if (r.iif !== null) parts.push(attrString(FRA.IIFNAME, r.iif));
  if (r.oif !== null) parts.push(attrString(FRA.OIFNAME, r.oif));
  if (r.fwmark !== null) parts.push(attrU32(FRA.FWMARK, r.fwmark));
  if (r.fwmask !== null) parts.push(attrU32(FRA.FWMASK, r.fwmask));
  if (r.ipProto !== null) parts.push(attrU8(FRA.IP_PROTO, r.ipProto));
  if (r.sport !== null) parts.push(attr(FRA.SPORT_RANGE, ports(r.sport)));
  if (r.dport !== null) parts.push(attr(FRA.DPORT_RANGE, ports(r.dport)));
  if (r.suppressPrefix !== null) parts.push(attrU32(FRA.SUPPRESS_PREFIXLEN, r.suppressPrefix));
  return Buffer.concat(parts);
}

/** null: a rule of a family that is not IP. */
export function decodeRule(body: Buffer): Rule | null {
  const { header, attrs } = splitBody(body, HEADER);
  const family = familyOf(header.readUInt8(0));
  if (family === null) return null;
  const cidr = (type: number, prefix: number): Cidr | null => {
    const bytes = attrs.bytes(type);
    return bytes === null ? null : { family, address: formatIp(bytes), prefix };
  };
  const range = (type: number): PortRange | null => {
    const bytes = attrs.bytes(type);
    if (bytes === null) return null;
    if (bytes.length < 4) throw new CodecError(`A port range has ${bytes.length} bytes, 4 expected`);
    return { from: bytes.readUInt16LE(0), to: bytes.readUInt16LE(2) };
  };
  // The kernel tells -1 for "none".
  const suppress = attrs.i32(FRA.SUPPRESS_PREFIXLEN);
  return {
    family,
    priority: attrs.u32(FRA.PRIORITY),
    action: actions[header.readUInt8(7)] ?? 'unspec',
    table: attrs.u32(FRA.TABLE) ?? header.readUInt8(4),
    src: cidr(FRA.SRC, header.readUInt8(2)),
    dst: cidr(FRA.DST, header.readUInt8(1)),
    iif: attrs.string(FRA.IIFNAME),
    oif: attrs.string(FRA.OIFNAME),
    fwmark: attrs.u32(FRA.FWMARK),
    fwmask: attrs.u32(FRA.FWMASK),
    ipProto: attrs.u8(FRA.IP_PROTO),
    sport: range(FRA.SPORT_RANGE),
    dport: range(FRA.DPORT_RANGE),
    invert: (header.readUInt32LE(8) & FIB_RULE_INVERT) !== 0,
    suppressPrefix: suppress === null || suppress < 0 ? null : suppress,
  };
}

function request(op: string, type: number, flags: number, r: Rule): Request {
  return { op, object: `table ${r.table}`, type, flags, body: encodeRule(r) };
}

export const addRuleRequest = (r: Rule): Request =>
  request('Add rule', RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, r);

/** EEXIST when there is the same rule with the same priority, or with any if `r` has none. */
export function addRule(socket: NetlinkSocket, r: Rule): void {
  socket.request(addRuleRequest(r));
}

export const deleteRuleRequest = (r: Rule): Request => request('Delete rule', RTM_DELRULE, 0, r);

/** The first rule that has all that `r` says, and whatever `r` says nothing of. ENOENT when there is none. */
export function deleteRule(socket: NetlinkSocket, r: Rule): void {
  socket.request(deleteRuleRequest(r));
}

/** Whether two rules do the same to the same packets; their priorities may differ. */
export function sameRule(a: Rule, b: Rule): boolean {
  const bare = (r: Rule): Buffer => encodeRule({ ...r, priority: null });
  return bare(a).equals(bare(b));
}

export function listRules(socket: NetlinkSocket, family: Family): Rule[] {
  const body = Buffer.alloc(HEADER);
  body.writeUInt8(familyNumber(family), 0);
  const replies = socket.dump({
    op: 'List rules',
    object: `IPv${family}`,
    type: RTM_GETRULE,
    flags: 0,
    body,
  });
  return replies
    .map((reply) => decodeRule(reply.body))
    .filter((r) => r !== null)
    .filter((r) => r.family === family);
}
