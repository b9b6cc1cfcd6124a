import { basename } from 'node:path';
import type { Logger } from 'pino';
import type { Enter } from '../../dataplane/joined.ts';
import { farSide, sides, type Side } from '../../dataplane/port.ts';
import { setMac } from '../../net/device.ts';
import type { NetnsHandle } from '../../net/netns.ts';
import { readWireRecords, type Unreadable } from '../../state/view.ts';
import type { SideRecord, WireRecord } from '../../state/wire-record.ts';
import { bringUpHosts, changeMtu, silenceHostEnd, type Handles } from './devices.ts';
import { joinedOf, type Entry } from './entry.ts';
import { completePods, revertChange } from './ip/pods.ts';
import { reportLacking } from './ip/report.ts';
import { deviceAlias } from './names.ts';
import { bothAlive, reborrowing } from './namespaces.ts';
import {
  closeWire,
  entering,
  holdDevices,
  holdJoin,
  holdRecord,
  holdRules,
  openWire,
  settle,
  type Workshop,
} from './open.ts';
import { adoptOrphans } from './orphans.ts';
import { type SideFound, Survey } from './survey.ts';
import { takeUp, takeUpOne } from './take-up.ts';
import { type Verdict, verdictFor } from './verdict.ts';
import type { WireBook } from './wires.ts';

/** Files are named after their wires. */
const idsOf = (unreadable: readonly Unreadable[]): Set<number> =>
  new Set(unreadable.map(({ file }) => Number(basename(file, '.json'))));

interface Adoption {
  book: WireBook;
  shop: Workshop;
  instanceDirectory: string;
  orphanGraceMs: number;
  log: Logger;
}

/** One side as the kernel has it: what is there, and the record brought up to date with it. */
interface Inspected {
  found: SideFound;
  record: SideRecord;
  whole: boolean;
  /** The file says just this. */
  written: boolean;
}

function inspectSide(
  side: Side,
  { id, intent, [side]: wanted }: WireRecord,
  { shop }: Adoption,
  survey: Survey,
  handle: NetnsHandle | null,
): Inspected {
  const marks = { mark: deviceAlias(shop.instance, id, side), unmarked: intent === 'opening' };
  const found = survey.find(marks, wanted, handle);
  const { host, pod } = found;
  const now = {
    hostName: host?.name ?? wanted.hostName,
    hostIfindex: host?.ifindex ?? 0,
    name: pod?.name ?? wanted.name,
    ifindex: pod?.ifindex ?? host?.linkIfindex ?? wanted.ifindex,
    mac: pod?.mac ?? wanted.mac,
  };
  const written = (Object.keys(now) as (keyof typeof now)[]).every((key) => now[key] === wanted[key]);
  // A namespace that can no longer be named may live on, and its end of a pair lives as long as ours.
  const whole = host !== null && (pod !== null || handle === null);
  return { found, record: { ...wanted, ...now }, whole, written };
}

/**
 * Takes over what an earlier agent left. What agrees keeps its devices, entries and programs; what is
 * half-made is finished or undone; what nobody claims forwards on as an orphan for a grace, which the
 * returned function ends without removing anything. It ends what is still looked at, too.
 */
export async function adopt(adoption: Adoption): Promise<() => void> {
  const { book, shop, log } = adoption;
  const { records, unreadable } = readWireRecords(adoption.instanceDirectory);
  for (const { file, problem } of unreadable)
    log.error({ file, problem }, 'State file cannot be read and is left alone, as is its wire');
  const survey = new Survey(shop.host);
  const forgetFilters = shop.dataplane.listFilters();
  try {
    for (const record of records) {
      shop.dataplane.reserveWire(record.id);
      await adoptWire(record, adoption, survey);
    }
  } finally {
    forgetFilters();
  }
  const forgetGraces = await adoptOrphans({
    book,
    shop,
    graceMs: adoption.orphanGraceMs,
    log,
    spared: idsOf(unreadable),
    devices: survey.host,
  });
  shop.dataplane.keepOnly([...book.entries.values()].map(({ record }) => joinedOf(record)));
  shop.dataplane.forgetOtherVersions();
  const endReport = reportLacking(book);
  return () => {
    endReport();
    forgetGraces();
  };
}

async function adoptWire(record: WireRecord, adoption: Adoption, survey: Survey): Promise<void> {
  const { book, log } = adoption;
  await reborrowing(record, async (found) => {
    const inspected = {
      left: inspectSide('left', record, adoption, survey, found.left),
      right: inspectSide('right', record, adoption, survey, found.right),
    };
    const handles = bothAlive(found);
    const verdict = verdictFor(record, {
      whole: { left: inspected.left.whole, right: inspected.right.whole },
      any: inspected.left.found.host !== null || inspected.right.found.host !== null,
      namespacesAlive: handles !== null,
      leftOnly: found.left !== null && found.right === null,
    });
    log.info({ wire: record.id, conn: record.connection, intent: record.intent, verdict }, 'Found wire');
    const entry = book.enter(
      { ...record, left: inspected.left.record, right: inspected.right.record },
      'opening',
    );
    try {
      if (verdict === 'keep' || verdict === 'rejoin') await takeUpOne(record, entry, adoption, handles);
      else
        await carryOut(verdict, entry, adoption, handles, inspected.left.written && inspected.right.written);
      if (verdict === 'adopt') catchUp(entry, inspected, found, adoption);
    } catch (error) {
      await giveUp(entry, verdict, adoption, (error as Error).message);
    }
  });
}

/** One wire that cannot be dealt with keeps no agent from starting. */
async function giveUp(entry: Entry, verdict: Verdict, adoption: Adoption, problem: string): Promise<void> {
  const { book } = adoption;
  const failed = (more: string): void => {
    book.announce('failed', entry.record, `${verdict}: ${problem}${more}`);
  };
  // What stands is not taken down because it could not be looked after.
  if (verdict === 'adopt' || verdict === 'keep' || verdict === 'rejoin') {
    entry.state = 'open';
    failed('');
    return;
  }
  try {
    if (verdict === 'finish' || !entry.scope.isEmpty) await undo(entry, adoption, `${verdict} failed`);
    book.drop(entry);
    failed('');
  } catch (error) {
    entry.state = 'closing';
    failed(`; it cannot be undone: ${(error as Error).message}`);
  }
}

async function carryOut(
  verdict: Exclude<Verdict, 'keep' | 'rejoin'>,
  entry: Entry,
  adoption: Adoption,
  handles: Handles | null,
  written: boolean,
): Promise<void> {
  const { book, shop } = adoption;
  switch (verdict) {
    case 'adopt':
      await takeUp(entry, shop, handles ? entering(handles) : cannotEnter, written);
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
      entry.state = 'opening';
      const { left, right } = entry.record;
      const whole = { left: { ...left, coming: null }, right: { ...right, coming: null } };
      entry.record = { ...entry.record, ...whole, intent: 'opening' };
      await openWire(entry, shop, handles);
      book.announce('adopted', entry.record, 'devices were missing, made again');
      return;
    }
    case 'undo':
    case 'drop':
      await undo(entry, adoption, verdict === 'drop' ? 'nothing of it was left' : 'found half-made, undone');
  }
}

const cannotEnter: Enter = (side) => {
  throw new Error(`The namespace of the ${side} port cannot be entered any more`);
};

/** What happened to the devices while no agent was there to follow it. */
function catchUp(
  entry: Entry,
  inspected: Readonly<Record<Side, Inspected>>,
  alive: Readonly<Record<Side, NetnsHandle | null>>,
  { book, shop }: Adoption,
): void {
  const { record } = entry;
  const handles = bothAlive(alive);
  for (const side of sides) {
    const { host } = inspected[farSide(side)].found;
    if (host && host.mac !== record[side].mac) setMac(shop.host, host.ifindex, record[side].mac);
  }
  const ends = sides.flatMap((side) => [inspected[side].found.host, inspected[side].found.pod]);
  // A change that was cut short: the four ends have to agree.
  if (handles && ends.some((end) => end !== null && end.mtu !== record.mtu))
    changeMtu(shop.host, record, record.mtu, handles);
  for (const side of sides) {
    const { coming } = entry.record[side];
    const handle = alive[side];
    if (coming === null || handle === null) continue;
    revertChange(entry.record[side], side, coming, handle);
    book.rewrite(entry, { ...entry.record, [side]: { ...entry.record[side], coming: null } });
  }
}

async function finish(entry: Entry, shop: Workshop, handles: Handles): Promise<void> {
  await holdRecord(entry, shop);
  await holdDevices(entry, shop, () => {
    for (const side of sides)
      silenceHostEnd(shop.host, shop.instance, entry.record.id, side, entry.record[side]);
  });
  await holdJoin(entry, shop, () => {
    shop.dataplane.wire(joinedOf(entry.record), entering(handles));
  });
  await holdRules(entry);
  completePods(entry.record, handles);
  bringUpHosts(shop.host, entry.record);
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
