import { farSide, sides, type Side } from '../../dataplane/port.ts';
import { isAttached, lossesObserved } from '../../dataplane/inspect.ts';
import { findByIndex } from '../../net/device.ts';
import type { Device } from '../../net/link.ts';
import { NetlinkSocket } from '../../net/socket.ts';
import type { WireRecord } from '../../state/wire-record.ts';
import type { WireItem, WireName } from './api.ts';
import { inPod } from './devices.ts';
import { isLost } from './entry.ts';
import { lacking, type Place } from './ip/converge.ts';
import { nameOf, piecesOf } from './ip/pieces.ts';
import { deviceAlias } from './names.ts';
import { reopen } from './namespaces.ts';
import { openView, readWire, type InstancePaths } from './read.ts';

export interface Step {
  title: string;
  detail: string;
  /** False where this step keeps frames from passing, or is not as it was meant. */
  ok: boolean;
}

/** The whole story of one wire, a step per thing a frame meets. */
export interface Explanation {
  wire: WireItem;
  steps: Step[];
  errors: { at: string; message: string }[];
}

const say = (device: Device | null): string =>
  device === null
    ? 'missing'
    : `${device.up ? 'up' : 'down'}, ${device.carrier === false ? 'no carrier' : 'carrier'}, mtu ${device.mtu ?? '?'}`;

function podSteps(record: WireRecord, side: Side): Step[] {
  const { netns, name, ifindex } = record[side];
  const title = `${side} pod '${netns.ref}', interface '${name}'`;
  const handle = reopen(netns);
  if (!handle) return [{ title, detail: 'the namespace has ended', ok: false }];
  try {
    return inPod(handle, (socket) => {
      const device = findByIndex(socket, ifindex);
      const ok = device?.up === true && device.mac === record[side].mac;
      const mac =
        device && device.mac !== record[side].mac
          ? `, MAC ${device.mac ?? 'none'} where ${record[side].mac} is known`
          : '';
      const step = { title, detail: `${say(device)}${mac}`, ok };
      return device === null ? [step] : [step, ...ipSteps({ socket, side, record: record[side] })];
    });
  } finally {
    handle.close();
  }
}

const lostStep = (record: WireRecord, side: Side): Step => ({
  title: `${side} pod '${record[side].netns.ref}'`,
  detail: 'nothing is there: the namespace has ended, or this side could not be put elsewhere',
  ok: false,
});

/** What the interface was told of IP; none if that is nothing. */
function ipSteps(place: Place): Step[] {
  const { side, record } = place;
  const told = piecesOf(record, record.ifindex, side);
  if (told.length === 0) return [];
  const lost = lacking(place).map(nameOf);
  const detail = [told.map(nameOf).join(', '), ...(lost.length === 0 ? [] : [`missing: ${lost.join(', ')}`])];
  return [{ title: `${side} pod, IP of '${record.name}'`, detail: detail.join('; '), ok: lost.length === 0 }];
}

function hostStep(record: WireRecord, side: Side, host: NetlinkSocket, instance: string): Step {
  const { hostName, hostIfindex } = record[side];
  const device = findByIndex(host, hostIfindex);
  const title = `${side} host end '${hostName}', ifindex ${hostIfindex}`;
  const problems = [
    ...(device?.up === true ? [] : ['it is not up']),
    ...(device?.alias === deviceAlias(instance, record.id, side) ? [] : ['it does not bear our mark']),
    ...(device?.mac === record[farSide(side)].mac ? [] : ["it does not carry the far pod's MAC"]),
    ...(device?.mtu === record.mtu ? [] : [`its MTU is not ${record.mtu}`]),
  ];
  const detail = device === null ? 'missing' : [say(device), ...problems].join('; ');
  return { title, detail, ok: device !== null && problems.length === 0 };
}

function programStep(record: WireRecord, side: Side, paths: InstancePaths): Step {
  const { hostName, hostIfindex } = record[side];
  const title = `program at '${hostName}'`;
  const program = isAttached(paths, record.datapath, hostIfindex, record.id, side);
  return program === null
    ? {
        title,
        detail: `nothing of ours is attached by ${record.datapath}: frames pass by the hop`,
        ok: false,
      }
    : { title, detail: `program id ${program} by ${record.datapath}: ${record.reason}`, ok: true };
}

/** The table's entries of both hops, as they are. */
function entriesOf(paths: InstancePaths, record: WireRecord): string[] {
  const view = openView(paths);
  try {
    return sides.map((side) => view.entry(record[side].hostIfindex));
  } finally {
    view.close();
  }
}

function hopStep(item: WireItem, index: number, side: Side, entry: string): Step {
  const hop = item.hops[index];
  const { packets, dropped } = side === 'left' ? item.counters.leftToRight : item.counters.rightToLeft;
  const lost = Object.entries(dropped).map(([reason, count]) => `${count} dropped: ${reason}`);
  return {
    title: `hop ${hop?.from ?? ''} -> ${hop?.to ?? ''}`,
    detail: [entry, `${packets} packets forwarded`, ...lost].join('; '),
    ok: hop !== undefined && !/^(drop|missing)/.test(hop.action),
  };
}

/** Reads kernel and files; needs no agent. In the order a frame from the left pod meets things, then back. */
export function explainWire(paths: InstancePaths, name: WireName): Explanation {
  const { item, record } = readWire(paths, name);
  const entries = entriesOf(paths, record);
  const host = NetlinkSocket.open();
  try {
    const steps = sides.flatMap((side, index) =>
      isLost(record[side])
        ? [lostStep(record, side)]
        : [
            ...podSteps(record, side),
            hostStep(record, side, host, paths.instance),
            programStep(record, side, paths),
            hopStep(item, index, side, entries[index] ?? ''),
          ],
    );
    const losses = lossesObserved(paths);
    steps.push({
      title: 'losses after a redirect',
      detail: losses ? 'observed by the kfree_skb tracepoint' : 'not observable on this kernel',
      ok: true,
    });
    return { wire: item, steps, errors: record.errors };
  } finally {
    host.close();
  }
}
