import { type FileIdentity, sameFile } from '../../file-identity.ts';
import { chooseDatapath } from '../../dataplane/datapath.ts';
import { farSide, type Port, type Side } from '../../dataplane/port.ts';
import type { SideRecord, WireRecord } from '../../state/wire-record.ts';
import { parseCidr } from '../../net/cidr.ts';
import { findByName, listDevices } from '../../net/device.ts';
import { parseIfname } from '../../net/ifname.ts';
import { InputError } from '../../net/input.ts';
import { macBytes, parseDeviceMac, randomMac } from '../../net/mac.ts';
import { MIN_IPV6_MTU, parseMtu } from '../../net/mtu.ts';
import type { NetnsHandle } from '../../net/netns.ts';
import type { NetlinkSocket } from '../../net/socket.ts';
import { Failure } from '../failure.ts';
import { datapathChoices, type SideSpec, type WireSpec } from './api.ts';
import { ofPod } from './devices.ts';
import type { Beside } from './ends.ts';
import { parseIpSpec } from './ip/parse.ts';
import { noIp, planIp } from './ip/plan.ts';
import { freeName, hostDeviceName } from './names.ts';

/** What the plan has to know of the place it is made in. */
export interface Surroundings {
  instance: string;
  own: FileIdentity;
  allowHostNetns: boolean;
  maxWires: number;
  tcx: boolean;
}

const DEFAULT_MTU = 1500;

/** A caller's own name for a wire: what can be told from an id and put on a command line. */
export function checkConnection(connection: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:/@-]{0,127}$/.test(connection) || /^\d+$/.test(connection))
    throw new InputError(
      'connection',
      connection,
      '1 to 128 letters, digits and _ . : / @ -, not digits alone, starting with a letter, digit or _',
    );
  return connection;
}

function refuseTaken(name: string, side: Side, { netns: ref }: SideSpec): never {
  throw new Failure('refused', `${side}.name is '${name}': an interface of that name exists in '${ref}'`, {
    field: `${side}.name`,
    value: name,
    allowed: 'a name that is free in the namespace',
  });
}

/** Looks the wanted name up, or all names for want of one: a pod may have thousands. */
function chooseName(
  socket: NetlinkSocket,
  { spec, side, beside, leaving }: Pick<SidePlan, 'spec' | 'side' | 'beside' | 'leaving'>,
): string {
  if (spec.name === null) {
    const names = listDevices(socket).map((device) => device.name);
    return freeName(new Set([...names, ...beside.promisedNames()]));
  }
  const name = parseIfname(spec.name, `${side}.name`);
  // One that is promised, and not made yet, the kernel refuses to who comes second.
  const taken = findByName(socket, name);
  if (taken !== null && taken.ifindex !== leaving) refuseTaken(name, side, spec);
  return name;
}

interface SidePlan {
  spec: SideSpec;
  side: Side;
  id: number;
  netns: NetnsHandle;
  /** Those of ours in the same namespace. */
  beside: Beside;
  /** The interface there that goes before this one comes; 0 for none. */
  leaving: number;
}

function planSide({ spec, side, id, netns, beside, leaving }: SidePlan, at: Surroundings): SideRecord {
  const own = sameFile(netns, at.own);
  if (own && !at.allowHostNetns)
    throw new Failure(
      'refused',
      `${side}.netns is '${spec.netns}', the agent's own namespace: it was started without --allow-host-netns`,
      {
        field: `${side}.netns`,
        value: spec.netns,
        allowed: 'any other network namespace',
      },
    );
  const wanted = parseIpSpec(spec, side);
  const mac = spec.mac === null ? randomMac() : parseDeviceMac(spec.mac, `${side}.mac`);
  return ofPod(netns, (socket) => ({
    netns: { ref: spec.netns, dev: netns.dev, inode: netns.inode },
    hostName: hostDeviceName(at.instance, id, side),
    hostIfindex: 0,
    name: chooseName(socket, { spec, side, beside, leaving }),
    ifindex: 0,
    mac,
    ...planIp((act) => act(socket), wanted, { side, had: noIp, beside }),
    coming: null,
    own,
  }));
}

export function refuseMtuWithoutIpv6(mtu: number, ...ends: readonly SideRecord[]): void {
  if (mtu >= MIN_IPV6_MTU) return;
  const address = ends
    .flatMap(({ addresses }) => addresses)
    .find((a) => parseCidr(a, 'address').family === 6);
  if (address !== undefined)
    throw new InputError(
      'mtu',
      String(mtu),
      `${MIN_IPV6_MTU} and more with IPv6 addresses, or no '${address}'`,
      'IPv6 needs more',
    );
}

function refuseOneMac(left: SideRecord, right: SideRecord): void {
  if (left.mac === right.mac) throw new InputError('right.mac', right.mac, 'another address than left.mac');
}

export interface PlanInput {
  spec: WireSpec;
  id: number;
  netns: Readonly<Record<Side, NetnsHandle>>;
  /** Those of ours that end in the namespace of a side. */
  beside: Readonly<Record<Side, Beside>>;
}

/** Everything about a wire that can be known before anything is created. Throws InputError or Failure. */
export function planWire({ spec, id, netns, beside }: PlanInput, at: Surroundings): WireRecord {
  if (!datapathChoices.includes(spec.datapath))
    throw new InputError('datapath', spec.datapath, 'auto, tcx, clsact or xdp');
  const mtu = parseMtu(spec.mtu ?? DEFAULT_MTU, 'mtu');
  const connection = spec.connection === null ? `wire-${id}` : checkConnection(spec.connection);
  const left = planSide(
    { spec: spec.left, side: 'left', id, netns: netns.left, beside: beside.left, leaving: 0 },
    at,
  );
  // Both ends may be in one namespace.
  const besideRight = sameFile(netns.left, netns.right) ? beside.right.and(left) : beside.right;
  const right = planSide(
    { spec: spec.right, side: 'right', id, netns: netns.right, beside: besideRight, leaving: 0 },
    at,
  );
  refuseMtuWithoutIpv6(mtu, left, right);
  refuseOneMac(left, right);
  const record: WireRecord = {
    schema: 1,
    id,
    connection,
    service: spec.service,
    owner: spec.owner,
    intent: 'opening',
    since: new Date().toISOString(),
    mtu,
    requested: spec.datapath,
    datapath: 'clsact',
    reason: '',
    acceptNoOffload: spec.acceptNoOffload,
    errors: [],
    left,
    right,
    leaving: null,
  };
  return { ...record, ...answerFor(record, at.tcx) };
}

/** What a wire is with one side elsewhere, whose pod has the same MAC unless another one is asked for. */
export function planMovedSide(
  record: WireRecord,
  side: Side,
  { spec, netns, beside }: { spec: SideSpec; netns: NetnsHandle; beside: Beside },
  at: Surroundings,
): WireRecord {
  const wanted = { ...spec, mac: spec.mac ?? record[side].mac };
  // Within its pod it may have the name that it has.
  const leaving = sameFile(netns, record[side].netns) ? record[side].ifindex : 0;
  const to = planSide({ spec: wanted, side, id: record.id, netns, beside, leaving }, at);
  const moved = { ...record, [side]: to };
  refuseMtuWithoutIpv6(moved.mtu, moved.left, moved.right);
  refuseOneMac(moved.left, moved.right);
  return { ...moved, ...answerFor(moved, at.tcx) };
}

/** The datapath of a plain wire: both hops lead from a device of ours to another. */
export function answerFor(
  record: WireRecord,
  tcx: boolean,
): { datapath: WireRecord['datapath']; reason: string } {
  const answer = chooseDatapath({
    from: portOf(record, 'left'),
    to: portOf(record, 'right'),
    requested: record.requested,
    acceptNoOffload: record.acceptNoOffload,
    tcx,
  });
  if (answer.datapath === 'refused')
    throw new Failure(
      record.requested === 'tcx' ? 'unsupported' : 'refused',
      `datapath is '${record.requested}': ${answer.reason}`,
      {
        field: 'datapath',
        value: record.requested,
        allowed: answer.allowed,
      },
    );
  return answer;
}

/** One side of a record as the dataplane sees it. */
export function portOf(record: WireRecord, side: Side): Port {
  const { hostIfindex, hostName, mac, netns, ifindex, own } = record[side];
  return {
    kind: 'veth',
    ifindex: hostIfindex,
    name: hostName,
    mac: macBytes(mac),
    made: true,
    pod: { netns, ifindex, own },
  };
}

/** The MAC a side's host end carries: the far pod's, so that the kernel classifies frames on arrival. */
export const hostMac = (record: WireRecord, side: Side): string => record[farSide(side)].mac;
