import { CodecError } from './error.ts';

/** The part of struct rtnl_link_stats64 that veths and NICs fill. */
export interface DeviceStats {
  readonly rxPackets: bigint;
  readonly txPackets: bigint;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
  readonly rxErrors: bigint;
  readonly txErrors: bigint;
  readonly rxDropped: bigint;
  readonly txDropped: bigint;
  readonly multicast: bigint;
}

export function decodeStats(bytes: Buffer): DeviceStats {
  if (bytes.length < 72) throw new CodecError(`Device statistics have ${bytes.length} bytes, 72 expected`);
  const at = (index: number): bigint => bytes.readBigUInt64LE(index * 8);
  return {
    rxPackets: at(0),
    txPackets: at(1),
    rxBytes: at(2),
    txBytes: at(3),
    rxErrors: at(4),
    txErrors: at(5),
    rxDropped: at(6),
    txDropped: at(7),
    multicast: at(8),
  };
}
