import { farSide, sides, type Side } from '../../dataplane/port.ts';
import type { SideRecord, WireRecord } from '../../state/wire-record.ts';
import {
  changeDevice,
  createVeth,
  deleteRequest,
  findByName,
  listDevices,
  setMtu,
  upRequest,
  type VethSpec,
} from '../../net/device.ts';
import type { Device, OffloadSizes } from '../../net/link.ts';
import { NetlinkError } from '../../net/error.ts';
import type { NetnsHandle } from '../../net/netns.ts';
import { NetlinkSocket } from '../../net/socket.ts';
import { setSysctlIfAny } from '../../net/sysctl.ts';
import { within } from '../../net/within.ts';
import { Failure } from '../failure.ts';
import { deviceAlias } from './names.ts';

export type Handles = Readonly<Record<Side, NetnsHandle>>;

/**
 * BIG TCP: packets of this size stay whole on the way through both veths, at no price for others.
 * IPv4 has the same from 6.3; older kernels take none of it and keep 64 KiB.
 */
const bigPackets: OffloadSizes = { gso: 196608, gro: 196608, gsoIpv4: 196608, groIpv4: 196608 };
let bigPacketsTaken = true;

const isErrno = (error: unknown, code: string): boolean =>
  error instanceof NetlinkError && error.code === code;

/** One for each borrowed namespace: opening and setting up a socket costs more than most requests. */
const sockets = new WeakMap<NetnsHandle, NetlinkSocket>();

/** To be called in the namespace. */
function openSocket(netns: NetnsHandle): NetlinkSocket {
  const socket = NetlinkSocket.open();
  netns.keep(socket);
  sockets.set(netns, socket);
  return socket;
}

function entered<T>(netns: NetnsHandle, act: () => T): T {
  const outcome: { value: T | null } = { value: null };
  within(netns, () => {
    outcome.value = act();
  });
  return outcome.value as T;
}

/** Runs `act` in the namespace, with a netlink socket of it that is closed with the handle. */
export const inPod = <T>(netns: NetnsHandle, act: (socket: NetlinkSocket) => T): T =>
  entered(netns, () => act(sockets.get(netns) ?? openSocket(netns)));

/** The same for what needs nothing but the socket: the way into a namespace and back is not for nothing. */
export const ofPod = <T>(netns: NetnsHandle, act: (socket: NetlinkSocket) => T): T =>
  act(sockets.get(netns) ?? entered(netns, () => openSocket(netns)));

/** By ifindex. */
export type Veths = ReadonlyMap<number, Device>;

/** All veths of a namespace, in one list. */
export const listVeths = (socket: NetlinkSocket): Veths =>
  new Map(listDevices(socket, { kind: 'veth' }).map((device) => [device.ifindex, device]));

function createPair(host: NetlinkSocket, spec: Omit<VethSpec, 'gso'>): ReturnType<typeof createVeth> {
  if (bigPacketsTaken) {
    try {
      return createVeth(host, { ...spec, gso: bigPackets });
    } catch (error) {
      if (!isErrno(error, 'EINVAL') && !isErrno(error, 'ERANGE')) throw error;
      bigPacketsTaken = false;
    }
  }
  return createVeth(host, { ...spec, gso: null });
}

/** EEXIST does not say which of the two names is taken. */
function nameTaken(host: NetlinkSocket, side: Side, record: SideRecord): Failure {
  const ours = findByName(host, record.hostName) !== null;
  return ours
    ? new Failure(
        'refused',
        `Device '${record.hostName}' exists in the agent's namespace, though nobody asked for it here`,
        {
          field: 'instance',
          value: record.hostName,
          allowed: 'an instance name whose devices do not collide',
        },
      )
    : new Failure(
        'refused',
        `${side}.name is '${record.name}': an interface of that name exists in '${record.netns.ref}'`,
        {
          field: `${side}.name`,
          value: record.name,
          allowed: 'a name that is free in the namespace',
        },
      );
}

/**
 * Makes the device pair of one side, both ends down, each born where it belongs. The host end carries the
 * far pod's MAC, is silent (no IPv6, no ARP) and bears our mark. Returns the record with its ifindexes.
 */
export function createSide(
  host: NetlinkSocket,
  instance: string,
  record: WireRecord,
  side: Side,
  handles: Handles,
): SideRecord {
  const wanted = record[side];
  let pair: ReturnType<typeof createVeth>;
  try {
    pair = createPair(host, {
      name: wanted.hostName,
      mac: record[farSide(side)].mac,
      mtu: record.mtu,
      group: 0,
      peer: { name: wanted.name, mac: wanted.mac, mtu: record.mtu, netnsFd: handles[side].fd },
    });
  } catch (error) {
    throw isErrno(error, 'EEXIST') ? nameTaken(host, side, wanted) : error;
  }
  const made = { ...wanted, hostIfindex: pair.device.ifindex, ifindex: pair.peerIfindex };
  try {
    silenceHostEnd(host, instance, record.id, side, made);
  } catch (error) {
    // Without our mark nobody else would delete it.
    host.request(deleteRequest(made.hostIfindex));
    throw error;
  }
  return made;
}

/** Idempotent. Only the sysctl keeps a device from speaking IPv6; addrgenmode and NOARP alone do not. */
export function silenceHostEnd(
  host: NetlinkSocket,
  instance: string,
  wire: number,
  side: Side,
  record: SideRecord,
): void {
  setSysctlIfAny(null, `net/ipv6/conf/${record.hostName}/disable_ipv6`, '1');
  changeDevice(host, record.hostIfindex, { alias: deviceAlias(instance, wire, side), noArp: true });
}

/** Of both sides, when the pods' ends are up: from then on frames move. */
export function bringUpHosts(host: NetlinkSocket, record: WireRecord): void {
  for (const result of host.batch(sides.map((side) => upRequest(record[side].hostIfindex))))
    if (!result.ok) throw result.error;
}

/**
 * All ends of these sides, or none: what cannot be done is taken back. Host ends first when it grows, last when it
 * shrinks, since the pods' ends decide what is sent.
 */
export function changeMtu(
  host: NetlinkSocket,
  record: WireRecord,
  mtu: number,
  handles: Handles,
  of: readonly Side[] = sides,
): void {
  const pods = (size: number): void => {
    for (const side of of)
      ofPod(handles[side], (socket) => {
        setMtu(socket, record[side].ifindex, size);
      });
  };
  const hosts = (size: number): void => {
    for (const side of of) setMtu(host, record[side].hostIfindex, size);
  };
  const order = mtu > record.mtu ? [hosts, pods] : [pods, hosts];
  try {
    for (const step of order) step(mtu);
  } catch (error) {
    for (const step of order.reverse()) step(record.mtu);
    if (!(error instanceof NetlinkError)) throw error;
    throw new Failure('refused', `mtu is '${mtu}': ${error.message}`, {
      field: 'mtu',
      value: String(mtu),
      allowed: 'what all four ends take',
      cause: error,
    });
  }
}
