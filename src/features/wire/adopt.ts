import { type Logger } from 'pino';
import { parseAlias } from './names.ts';
import { listDevices } from '../../net/device.ts';
import { type Device } from '../../net/link.ts';
import { sides, type Side } from '../../dataplane/port.ts';
import { readWireRecords } from '../../state/view.ts';
import { type SideRecord, type WireRecord } from '../../state/wire-record.ts';
import { addressPodEnd, bringUp, findSide, silenceHostEnd, type Handles } from './devices.ts';
import { joinedOf, type Entry } from './entry.ts';
import { bothAlive, reborrowing } from './namespaces.ts';
import {
  closeWire,
  entering,
  holdDevices,
  holdJoin,
  holdMemory,
  holdRecord,
  openWire,
  settle,
  type Workshop,
} from './open.ts';
import { type WireBook } from './wires.ts';

/** What an agent does with one wire it finds: kernel and file compared, one row each. */
export type Verdict = 'adopt' | 'finish' | 'undo' | 'recreate' | 'drop';

export interface Found {
  /** Both devices of a side exist and are the ones meant. */
  left: boolean;
  right: boolean;
  /** Anything of the wire exists. */
  any: boolean;
  namespacesAlive: boolean;
}

export function verdictFor(intent: WireRecord['intent'], found: Found): Verdict {
  const whole = found.left && found.right;
  switch (intent) {
    case 'open':
      if (whole) return 'adopt';
      return found.namespacesAlive ? 'recreate' : 'drop';
    case 'opening':
      if (whole && found.namespacesAlive) return 'finish';
      return found.any ? 'undo' : 'drop';
    case 'closing':
      return found.any ? 'undo' : 'drop';
  }
}

interface Adoption {
  book: WireBook;
  shop: Workshop;
  instanceDirectory: string;
  orphanGraceMs: number;
  log: Logger;
}

/** A side's record with the ifindexes the kernel has, and whether both its devices are the ones meant. */
function inspectSide(
  wanted: SideRecord,
  side: Side,
  wire: number,
  adoption: Adoption,
  handle: Parameters<typeof findSide>[2],
): { record: SideRecord; whole: boolean; any: boolean } {
  const { host, pod } = findSide(adoption.shop.host, wanted, handle);
  const mark = parseAlias(host?.alias ?? null);
  // Between creation and alias a device has only its name, which the file foretold.
  const ours =
    host !== null && (mark === null ? host.alias === null : mark.wire === wire && mark.side === side);
  const linked = ours && pod !== null && host.linkIfindex === pod.ifindex;
  const record = { ...wanted, hostIfindex: ours ? host.ifindex : 0, ifindex: pod?.ifindex ?? wanted.ifindex };
  return { record, whole: linked, any: ours };
}

/**
 * Takes over what an earlier agent left. What agrees keeps its devices, entries and programs; what is
 * half-made is finished or undone; what nobody claims forwards on as an orphan for a grace.
 */
export async function adopt(adoption: Adoption): Promise<void> {
  const { records, unreadable } = readWireRecords(adoption.instanceDirectory);
  for (const { file, problem } of unreadable)
    adoption.log.error({ file, problem }, 'State file cannot be read and is left alone');
  for (const record of records) await adoptWire(record, adoption);
  await adoptOrphans(adoption);
  cleanTables(adoption);
  adoption.shop.dataplane.forgetOtherVersions();
}

async function adoptWire(record: WireRecord, adoption: Adoption): Promise<void> {
  const { book, log } = adoption;
  await reborrowing(record, async (found) => {
    const inspected = {
      left: inspectSide(record.left, 'left', record.id, adoption, found.left),
      right: inspectSide(record.right, 'right', record.id, adoption, found.right),
    };
    const handles = bothAlive(found);
    const verdict = verdictFor(record.intent, {
      left: inspected.left.whole,
      right: inspected.right.whole,
      any: inspected.left.any || inspected.right.any,
      namespacesAlive: handles !== null,
    });
    log.info({ wire: record.id, conn: record.connection, intent: record.intent, verdict }, 'Found wire');
    const entry = book.enter(
      { ...record, left: inspected.left.record, right: inspected.right.record },
      'opening',
    );
    try {
      await carryOut(verdict, entry, adoption, handles);
    } catch (error) {
      book.announce('failed', record, `${verdict}: ${(error as Error).message}`);
      if (book.entries.has(record.id)) await undo(entry, adoption, `${verdict} failed`);
    }
  });
}

async function carryOut(
  verdict: Verdict,
  entry: Entry,
  adoption: Adoption,
  handles: Handles | null,
): Promise<void> {
  const { book, shop } = adoption;
  switch (verdict) {
    case 'adopt':
      await takeUp(entry, shop, handles);
      entry.state = 'open';
      book.announce('adopted', entry.record, 'found as it was left');
      return;
    case 'finish': {
      if (!handles) throw new Error('A namespace has ended');
      await finish(entry, shop, handles);
      book.announce('adopted', entry.record, 'found half-made, finished');
      return;
    }
    case 'recreate': {
      if (!handles) throw new Error('A namespace has ended');
      await takeUp(entry, shop, null);
      await closeWire(entry, shop);
      entry.record = { ...entry.record, intent: 'opening' };
      await openWire(entry, shop, handles);
      book.announce('adopted', entry.record, 'devices were missing, made again');
      return;
    }
    case 'undo':
    case 'drop':
      await undo(entry, adoption, verdict === 'drop' ? 'nothing of it was left' : 'found half-made, undone');
  }
}

/** Holds what exists without touching it, then mends the entries and programs that are not as they should be. */
async function takeUp(entry: Entry, shop: Workshop, handles: Handles | null): Promise<void> {
  await holdRecord(entry, shop);
  await holdDevices(entry, shop, () => undefined);
  await holdJoin(entry, shop, () => {
    const joined = joinedOf(entry.record);
    if (handles && !shop.dataplane.isJoined(joined)) shop.dataplane.wire(joined, entering(handles));
  });
}

async function finish(entry: Entry, shop: Workshop, handles: Handles): Promise<void> {
  await holdRecord(entry, shop);
  await holdDevices(entry, shop, () => {
    for (const side of sides) {
      silenceHostEnd(shop.host, shop.instance, entry.record.id, side, entry.record[side]);
      addressPodEnd(entry.record[side], side, handles[side]);
    }
  });
  await holdJoin(entry, shop, () => {
    shop.dataplane.wire(joinedOf(entry.record), entering(handles));
  });
  bringUp(shop.host, entry.record, handles);
  await settle(entry, shop, handles);
}

async function undo(entry: Entry, { book, shop }: Adoption, why: string): Promise<void> {
  for (const side of sides) {
    // A device that was never marked is marked now: only marked devices are deleted.
    const { hostIfindex } = entry.record[side];
    if (hostIfindex !== 0)
      silenceHostEnd(shop.host, shop.instance, entry.record.id, side, entry.record[side]);
  }
  await takeUp(entry, shop, null);
  await closeWire(entry, shop);
  book.drop(entry);
  book.announce('removed', entry.record, why);
}

/** Devices with our mark that no file speaks of: they forward on for a grace, then go. */
async function adoptOrphans({ book, shop, orphanGraceMs, log }: Adoption): Promise<void> {
  const wires = new Map<number, Partial<Record<Side, Device>>>();
  for (const device of listDevices(shop.host, { kind: 'veth' })) {
    const mark = parseAlias(device.alias);
    if (mark?.instance !== shop.instance || book.entries.has(mark.wire)) continue;
    wires.set(mark.wire, { ...wires.get(mark.wire), [mark.side]: device });
  }
  for (const [id, devices] of wires) {
    const entry = book.enter(orphanRecord(id, devices), 'orphan');
    await holdMemory(entry, shop);
    await holdDevices(entry, shop, () => undefined);
    log.warn(
      { wire: id },
      `No state file speaks of wire ${id}: it forwards on and goes in ${orphanGraceMs / 1000} s`,
    );
    book.announce('orphaned', entry.record, `goes in ${orphanGraceMs / 1000} s`);
    setTimeout(() => {
      if (entry.state !== 'orphan') return;
      void book.close(entry, 'nobody asked for it').catch((error: unknown) => {
        log.error({ wire: id, error: String(error) }, 'Orphan cannot be removed');
      });
    }, orphanGraceMs).unref();
  }
}

function orphanRecord(id: number, devices: Partial<Record<Side, Device>>): WireRecord {
  const side = (device: Device | undefined): SideRecord => ({
    netns: { ref: 'unknown', dev: 0, inode: 0 },
    hostName: device?.name ?? '',
    hostIfindex: device?.ifindex ?? 0,
    name: '',
    ifindex: device?.linkIfindex ?? 0,
    mac: '00:00:00:00:00:00',
    addresses: [],
    own: false,
  });
  return {
    schema: 1,
    id,
    connection: `orphan-${id}`,
    service: null,
    intent: 'open',
    since: new Date().toISOString(),
    mtu: devices.left?.mtu ?? devices.right?.mtu ?? 0,
    requested: 'auto',
    datapath: 'clsact',
    reason: 'found without a state file',
    acceptNoOffload: false,
    errors: [],
    left: side(devices.left),
    right: side(devices.right),
  };
}

/** Entries of wires nobody knows are an earlier crash's; an ifindex may be somebody else's by now. */
function cleanTables({ book, shop }: Adoption): void {
  shop.dataplane.keepOnly(new Set(book.entries.keys()));
}
