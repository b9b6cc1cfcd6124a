import type { Logger } from 'pino';
import { sides, type Side } from '../../dataplane/port.ts';
import { findByIndex, findByName } from '../../net/device.ts';
import type { Device } from '../../net/link.ts';
import type { NetnsHandle } from '../../net/netns.ts';
import { nsidOf } from '../../net/nsid.ts';
import type { NetlinkSocket } from '../../net/socket.ts';
import type { SideRecord, WireRecord } from '../../state/wire-record.ts';
import type { SideSpec } from './api.ts';
import { type Handles, listVeths, ofPod, type Veths } from './devices.ts';
import type { Entry } from './entry.ts';
import { parseAlias } from './names.ts';
import { holdDevices, holdMemory, type Workshop } from './open.ts';
import type { WireBook } from './wires.ts';

type Ends = Partial<Record<Side, Device>>;

/** Devices with our mark of wires nobody knows. */
function strays(devices: Veths, book: WireBook, shop: Workshop): Map<number, Ends> {
  const wires = new Map<number, Ends>();
  for (const device of devices.values()) {
    const mark = parseAlias(device.alias);
    if (mark?.instance !== shop.instance || book.entries.has(mark.wire)) continue;
    wires.set(mark.wire, { ...wires.get(mark.wire), [mark.side]: device });
  }
  return wires;
}

interface Orphanage {
  book: WireBook;
  shop: Workshop;
  graceMs: number;
  log: Logger;
  /** Wires that have a file, though nobody can read it: they are nobody's to remove. */
  spared: ReadonlySet<number>;
  /** All veths there were before the known wires were taken up. */
  devices: Veths;
}

/**
 * Takes up devices with our mark that no file speaks of: they forward on for a grace, then go. Call the
 * returned function when the agent ends before that; the next agent starts their grace anew.
 */
export async function adoptOrphans(orphanage: Orphanage): Promise<() => void> {
  const { book, shop, graceMs, log, spared, devices } = orphanage;
  const timers: NodeJS.Timeout[] = [];
  // A wire that was not worth taking up has no devices any more: those that seem to be left are looked at again.
  const found = strays(devices, book, shop);
  if (found.size === 0) return () => undefined;
  for (const [id, ends] of strays(listVeths(shop.host), book, shop)) {
    shop.dataplane.reserveWire(id);
    const entry = book.enter(orphanRecord(id, ends), 'orphan');
    await holdMemory(entry, shop);
    await holdDevices(entry, shop, () => undefined);
    if (spared.has(id)) {
      book.announce('orphaned', entry.record, 'its state file cannot be read: it stays until it is removed');
      continue;
    }
    const plan = `it forwards on and goes in ${graceMs / 1000} s`;
    log.warn({ wire: id }, `No state file speaks of wire ${id}: ${plan}`);
    book.announce('orphaned', entry.record, plan);
    timers.push(setTimeout(() => void end(entry), graceMs).unref());
  }
  return () => {
    for (const timer of timers) clearTimeout(timer);
  };

  async function end(entry: Entry): Promise<void> {
    if (entry.state !== 'orphan') return;
    try {
      await book.close(entry, 'nobody asked for it');
    } catch (error) {
      log.error({ wire: entry.record.id, error: String(error) }, 'Orphan cannot be removed');
    }
  }
}

/**
 * Who asks for an interface that an orphan has asks for what it was: the orphan goes, and the name and the addresses
 * are free for the wire to be. Within an agent that lost its files, that is how clients get back what they had.
 */
export async function makeWay(
  wanted: Readonly<Record<Side, SideSpec>>,
  netns: Handles,
  book: WireBook,
  host: NetlinkSocket,
): Promise<void> {
  const orphans = [...book.entries.values()].filter(({ state }) => state === 'orphan');
  if (orphans.length === 0) return;
  for (const side of sides) {
    const { name, netns: ref } = wanted[side];
    const device = name === null ? null : ofPod(netns[side], (socket) => findByName(socket, name));
    const orphan = device && orphans.find((entry) => isEndOf(entry, device, netns[side], host));
    if (orphan) await book.close(orphan, `its interface '${device.name}' in '${ref}' is asked for again`);
  }
}

/** Numbers of devices mean nothing without their namespace's. */
const isEndOf = ({ record }: Entry, device: Device, netns: NetnsHandle, host: NetlinkSocket): boolean =>
  sides.some(
    (side) =>
      record[side].ifindex === device.ifindex &&
      record[side].hostIfindex === device.linkIfindex &&
      findByIndex(host, record[side].hostIfindex)?.linkNetnsid === nsidOf(host, netns.fd),
  );

/** All that can be told of a wire from its host ends. */
function orphanRecord(id: number, ends: Ends): WireRecord {
  const [left, right] = sides.map((side): SideRecord => {
    const device = ends[side];
    return {
      netns: { ref: 'unknown', dev: 0, inode: 0 },
      hostName: device?.name ?? '',
      hostIfindex: device?.ifindex ?? 0,
      name: '',
      ifindex: device?.linkIfindex ?? 0,
      mac: '00:00:00:00:00:00',
      addresses: [],
      routes: [],
      neighbors: [],
      policies: [],
      coming: null,
      own: false,
    };
  }) as [SideRecord, SideRecord];
  return {
    schema: 1,
    id,
    connection: `orphan-${id}`,
    service: null,
    owner: 'wire',
    intent: 'open',
    since: new Date().toISOString(),
    mtu: ends.left?.mtu ?? ends.right?.mtu ?? 0,
    requested: 'auto',
    datapath: 'clsact',
    reason: 'found without a state file',
    acceptNoOffload: false,
    errors: [],
    left,
    right,
    leaving: null,
  };
}
