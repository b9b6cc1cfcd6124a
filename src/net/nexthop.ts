import { align, Attrs } from './attr.ts';
import { CodecError } from './error.ts';
import { formatIp } from './ip.ts';

/** One branch of RTA_MULTIPATH: struct rtnexthop { u16 len; u8 flags, hops; s32 ifindex } and attributes. */
export interface Nexthop {
  readonly oif: number;
  readonly gateway: string | null;
  readonly weight: number;
}

const RTNEXTHOP = 8;
const RTA_GATEWAY = 5;
const RTA_VIA = 18;

export function decodeNexthops(bytes: Buffer): Nexthop[] {
  const nexthops: Nexthop[] = [];
  let offset = 0;
  while (bytes.length - offset >= RTNEXTHOP) {
    const length = bytes.readUInt16LE(offset);
    if (length < RTNEXTHOP || length > bytes.length - offset)
      throw new CodecError(`Nexthop at ${offset} claims ${length} of ${bytes.length - offset} bytes`);
    const attrs = new Attrs(bytes.subarray(offset + RTNEXTHOP, offset + length));
    // A gateway of the other family comes with its family in front.
    const gateway = attrs.bytes(RTA_GATEWAY) ?? attrs.bytes(RTA_VIA)?.subarray(2) ?? null;
    nexthops.push({
      oif: bytes.readInt32LE(offset + 4),
      gateway: gateway === null ? null : formatIp(gateway),
      weight: bytes.readUInt8(offset + 3) + 1,
    });
    offset += align(length);
  }
  return nexthops;
}
