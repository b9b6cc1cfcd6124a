import type { Dataplane } from '../../dataplane/dataplane.ts';
import type { Enter } from '../../dataplane/joined.ts';
import { sides } from '../../dataplane/port.ts';
import { findDevices } from '../../net/device.ts';
import type { NetlinkSocket } from '../../net/socket.ts';
import { within } from '../../net/within.ts';
import type { WireRecord } from '../../state/wire-record.ts';
import type { WireFiles } from '../../state/wires.ts';
import { bringUpHosts, createSide, type Handles } from './devices.ts';
import { type Entry, joinedOf } from './entry.ts';
import { fault } from './fault.ts';
import { dropRulesOf, establishPods } from './ip/pods.ts';
import { deviceAlias } from './names.ts';
import { waitReady } from './ready.ts';
import { explainXdp } from './refusal.ts';
import type { Reaper } from './reaper.ts';

/** What opening and closing a wire needs around it. */
export interface Workshop {
  instance: string;
  host: NetlinkSocket;
  dataplane: Dataplane;
  files: WireFiles;
  reaper: Reaper;
}

export const entering =
  (handles: Handles): Enter =>
  (side, act) => {
    within(handles[side], act);
  };

/** Changes what is known of a wire, in memory and on disk. */
export function rewrite(entry: Entry, record: WireRecord, { files }: Workshop): void {
  entry.record = record;
  files.write(record);
}

/** Holds the record: written before anything exists, unless it is `written` already, gone after everything. */
export function holdRecord(entry: Entry, shop: Workshop, written = false): Promise<void> {
  return entry.scope.hold('record', '', () => {
    if (!written) shop.files.write(entry.record);
    return releaseRecord(entry, shop);
  });
}

// What releases is made apart from what acquires: it lives as long as the wire, with all it could see.

const releaseRecord = (entry: Entry, shop: Workshop) => async (): Promise<void> => {
  refuseWhileDevicesRemain(entry, shop);
  await shop.dataplane.forget(joinedOf(entry.record));
  shop.files.remove(entry.record.id);
};

const releaseDevices = (entry: Entry, shop: Workshop) => async (): Promise<void> => {
  const ifindexes = sides.map((side) => entry.record[side].hostIfindex);
  await shop.reaper.delete(ifindexes, () => {
    fault('deleting');
  });
  shop.dataplane.removeEntries(joinedOf(entry.record));
};

const releaseJoin = (entry: Entry, shop: Workshop) => (): void => {
  shop.dataplane.block(joinedOf(entry.record), 'closing');
};

/** A device without a file would be an orphan that nobody can name. */
function refuseWhileDevicesRemain({ record }: Entry, shop: Workshop): void {
  const found = findDevices(
    shop.host,
    sides.map((side) => ({ name: record[side].hostName })),
  );
  for (const [i, side] of sides.entries())
    if (found[i]?.alias === deviceAlias(shop.instance, record.id, side))
      throw new Error(`Device '${record[side].hostName}' is still there`);
}

/**
 * Holds the devices of both sides: deleted together, then the entries that refer to them. Until it is
 * gone a device is up, and what still comes in there has to find the entry that says: closing.
 */
export function holdDevices(entry: Entry, shop: Workshop, make: () => void): Promise<void> {
  return entry.scope.hold('devices', '', async () => {
    const release = releaseDevices(entry, shop);
    try {
      make();
    } catch (error) {
      await release();
      throw error;
    }
    return release;
  });
}

/** Holds what is known of a wire that has no file: forgotten after its devices are gone. */
export function holdMemory(entry: Entry, shop: Workshop): Promise<void> {
  return entry.scope.hold('record', '', () => () => shop.dataplane.forget(joinedOf(entry.record)));
}

/** Holds the joined hops: dropping, and counted as closing, from the moment of release. */
export function holdJoin(entry: Entry, shop: Workshop, join: () => void): Promise<void> {
  return entry.scope.hold('join', '', () => {
    join();
    return releaseJoin(entry, shop);
  });
}

/** Holds the rules that policies need, which the kernel keeps when the devices go. Made by whoever holds them. */
export function holdRules(entry: Entry): Promise<void> {
  return entry.scope.hold('rules', '', () => () => {
    for (const side of sides) dropRulesOf(entry.record[side], side);
    const { leaving } = entry.record;
    if (leaving !== null) dropRulesOf(leaving.had, leaving.side);
    fault('unruled');
  });
}

/** Carries a plan out. A failure releases everything in reverse and is thrown on. */
export async function openWire(entry: Entry, shop: Workshop, handles: Handles): Promise<void> {
  try {
    await holdRecord(entry, shop);
    fault('recorded');
    await holdDevices(entry, shop, () => {
      for (const side of sides) {
        entry.record = {
          ...entry.record,
          [side]: createSide(shop.host, shop.instance, entry.record, side, handles),
        };
        fault(`created ${side}`);
      }
    });
    await holdJoin(entry, shop, () => {
      shop.dataplane.wire(joinedOf(entry.record), entering(handles));
      fault('joined');
    });
    await holdRules(entry);
    establishPods(entry.record, handles);
    bringUpHosts(shop.host, entry.record);
    fault('up');
    await settle(entry, shop, handles);
    fault('opened');
  } catch (error) {
    entry.state = 'closing';
    await undoneAfter(error, entry);
    throw explainXdp(error, entry.record.mtu);
  }
}

async function undoneAfter(error: unknown, entry: Entry): Promise<void> {
  try {
    await entry.scope.close();
  } catch (failure) {
    throw new Error(`${String(error)}; undoing it failed too: ${String(failure)}`, { cause: failure });
  }
}

/** The end of opening: waits until frames pass and says so. */
export async function settle(entry: Entry, shop: Workshop, handles: Handles): Promise<void> {
  await waitReady(shop.host, entry.record, handles);
  // What the first port to come up said before the other was up is no loss of an open wire.
  shop.dataplane.forgetDrops(entry.record.id);
  rewrite(entry, { ...entry.record, intent: 'open' }, shop);
  entry.state = 'open';
}

/** Takes a wire down; settles when its devices are gone. */
export async function closeWire(entry: Entry, shop: Workshop): Promise<void> {
  const orphan = entry.state === 'orphan';
  entry.state = 'closing';
  entry.record = { ...entry.record, intent: 'closing' };
  if (!orphan) shop.files.write(entry.record);
  fault('closing');
  await entry.scope.close();
}
