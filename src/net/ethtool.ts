import { check } from './error.ts';
import { addressOf, fixedMemory, ioctl, socket } from './libc.ts';
import { closeFd } from './transport.ts';

/** The ethtool ioctl, in the namespace of the calling thread. */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SIOCETHTOOL = 0x8946n;
const IFREQ = 40;
const IFNAMSIZ = 16;

const ETHTOOL_GLINK = 0x0a;
// Commands of struct ethtool_value { u32 cmd, data }.
const commands = {
  rx: { get: 0x14, set: 0x15 },
  tx: { get: 0x16, set: 0x17 },
  sg: { get: 0x18, set: 0x19 },
  tso: { get: 0x1e, set: 0x1f },
  gso: { get: 0x23, set: 0x24 },
  gro: { get: 0x2b, set: 0x2c },
} as const;

/** As ethtool abbreviates them: rx and tx are checksum offload, sg is scatter-gather. */
export type Offload = keyof typeof commands;
export type Offloads = Readonly<Record<Offload, boolean>>;

function ethtool(op: string, name: string, command: number, data: number): number {
  const value = fixedMemory(8);
  value.writeUInt32LE(command, 0);
  value.writeUInt32LE(data, 4);
  const request = Buffer.alloc(IFREQ);
  request.write(name.slice(0, IFNAMSIZ - 1), 0, 'utf8');
  request.writeBigUInt64LE(addressOf(value), IFNAMSIZ);
  // Any socket will do: what counts is the namespace it was made in.
  const fd = check(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'Open', 'ethtool socket');
  try {
    check(ioctl(fd, SIOCETHTOOL, request), op, name);
  } finally {
    closeFd(fd);
  }
  return value.readUInt32LE(4);
}

/**
 * Whether the device has a carrier. The question brings the kernel's carrier state up to date, which it
 * otherwise does up to a second after a device comes up, losing the first frames. A device that is
 * down has none.
 */
export const glink = (name: string): boolean =>
  ethtool('Ask carrier of device', name, ETHTOOL_GLINK, 0) !== 0;

export function getOffloads(name: string): Offloads {
  const get = (offload: Offload): boolean =>
    ethtool(`Read offload ${offload} of device`, name, commands[offload].get, 0) !== 0;
  return {
    rx: get('rx'),
    tx: get('tx'),
    sg: get('sg'),
    tso: get('tso'),
    gso: get('gso'),
    gro: get('gro'),
  };
}

/** The kernel may take others along, or leave one on that the device cannot switch; read afterwards to know. */
export function setOffload(name: string, offload: Offload, on: boolean): void {
  ethtool(`Set offload ${offload} of device`, name, commands[offload].set, on ? 1 : 0);
}
