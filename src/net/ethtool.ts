import { addressOf, fixedMemory } from './libc.ts';
import type { NetlinkSocket } from './socket.ts';

/** The ethtool ioctl, in the namespace of the socket. */
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

function ethtool(socket: NetlinkSocket, op: string, name: string, command: number, data: number): number {
  const value = fixedMemory(8);
  value.writeUInt32LE(command, 0);
  value.writeUInt32LE(data, 4);
  const request = Buffer.alloc(IFREQ);
  request.write(name.slice(0, IFNAMSIZ - 1), 0, 'utf8');
  request.writeBigUInt64LE(addressOf(value), IFNAMSIZ);
  socket.ioctl(SIOCETHTOOL, request, op, name);
  return value.readUInt32LE(4);
}

/**
 * Whether the device has a carrier. The question brings the kernel's carrier state up to date, which it
 * otherwise does up to a second after a device comes up, losing the first frames. A device that is
 * down has none.
 */
export const glink = (socket: NetlinkSocket, name: string): boolean =>
  ethtool(socket, 'Ask carrier of device', name, ETHTOOL_GLINK, 0) !== 0;

export function getOffloads(socket: NetlinkSocket, name: string): Offloads {
  const get = (offload: Offload): boolean =>
    ethtool(socket, `Read offload ${offload} of device`, name, commands[offload].get, 0) !== 0;
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
export function setOffload(socket: NetlinkSocket, name: string, offload: Offload, on: boolean): void {
  ethtool(socket, `Set offload ${offload} of device`, name, commands[offload].set, on ? 1 : 0);
}
