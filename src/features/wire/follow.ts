import type { Logger } from 'pino';
import { fileKey } from '../../file-identity.ts';
import { farSide, sides, type Side } from '../../dataplane/port.ts';
import { findDevices, setMac } from '../../net/device.ts';
import { NetError } from '../../net/error.ts';
import { glink } from '../../net/ethtool.ts';
import type { Device } from '../../net/link.ts';
import type { SideRecord } from '../../state/wire-record.ts';
import { Monitor, type MonitorEvent } from '../../net/monitor.ts';
import { type End, Ends, type HostEnd } from './followed.ts';
import { inTurn, isLost, joinedOf, type Entry } from './entry.ts';
import { bothAlive, reborrowing, reopen } from './namespaces.ts';
import { type Handles, listVeths, ofPod, type Veths } from './devices.ts';
import { carryOutMove, standAlone } from './move.ts';
import { closeWire, openWire, type Workshop } from './open.ts';
import type { WireBook } from './wires.ts';

/**
 * Follows what others do to the devices of open wires: ports that go down and come back, pods that
 * change a MAC or a name, devices and namespaces that end.
 */
export class Follower {
  readonly #book: WireBook;
  readonly #shop: Workshop;
  readonly #log: Logger;
  readonly #monitor: Monitor;
  readonly #hosts = new Ends<HostEnd>();
  readonly #pods = new Ends<End>();
  readonly #unsubscribe: () => void;

  constructor(book: WireBook, shop: Workshop, log: Logger) {
    this.#book = book;
    this.#shop = shop;
    this.#log = log;
    // Most notifications are of wires that are being opened, whose devices are unknown here, or closed, which
    // only the end of their devices matters to.
    this.#monitor = Monitor.open(
      (event) => {
        this.#hear(event);
      },
      {
        wants: (change, nsid, ifindex) => {
          const end = this.#hosts.get(nsid, ifindex) ?? this.#pods.get(nsid, ifindex);
          return end !== undefined && (change === 'del' || end.entry.state === 'open');
        },
      },
    );
    this.resync();
    // What was heard of a wire while it was being opened has been ignored.
    this.#unsubscribe = book.subscribe((event) => {
      if (event.type !== 'added' && event.type !== 'updated') return;
      const entry = book.entries.get(event.wire);
      // A side may have been put elsewhere.
      if (entry && (event.type === 'added' || !this.#knows(entry))) this.#look(entry);
    });
  }

  close(): void {
    this.#unsubscribe();
    this.#monitor.close();
  }

  #hear(event: MonitorEvent): void {
    try {
      switch (event.kind) {
        case 'overflow':
          this.#log.warn('Device notifications were lost: every wire is looked at anew');
          this.resync();
          return;
        case 'nsid':
          return; // the devices of an ended namespace are reported one by one
        case 'device':
          this.#device(event.change, event.nsid, event.device);
      }
    } catch (error) {
      this.#log.error({ error: String(error) }, 'A device notification could not be followed');
    }
  }

  #device(change: 'new' | 'del', nsid: number | null, device: Device): void {
    const host = this.#hosts.get(nsid, device.ifindex);
    if (host) {
      this.#hostEnd(change, device, host);
      return;
    }
    const pod = this.#pods.get(nsid, device.ifindex);
    // A pod's end that goes takes its host end along, which is heard as well.
    if (pod && change === 'new') this.#podEnd(device, pod);
  }

  #hostEnd(change: 'new' | 'del', device: Device, { entry, side, nsid, podIfindex }: HostEnd): void {
    if (change === 'del') {
      this.#hosts.delete(null, device.ifindex);
      if (this.#pods.get(nsid, podIfindex)?.entry === entry) this.#pods.delete(nsid, podIfindex);
    }
    if (entry.state !== 'open') return;
    if (entry.record[side].hostIfindex !== device.ifindex) return; // an earlier device of this wire
    if (change === 'del') this.#gone(entry, side);
    else {
      if (device.name !== entry.record[side].hostName)
        this.#book.rewrite(entry, {
          ...entry.record,
          [side]: { ...entry.record[side], hostName: device.name },
        });
      this.#carrier(entry, side);
    }
  }

  /** Asked, not taken from the notification, which may be older than what we did since. */
  #carrier(entry: Entry, side: Side): void {
    let up: boolean;
    try {
      up = glink(this.#shop.host, entry.record[side].hostName);
    } catch (error) {
      if (!(error instanceof NetError) || error.code !== 'ENODEV') throw error;
      return; // it has ended or has another name, which is on the way to us
    }
    if (up === !entry.down.has(side)) return;
    const joined = joinedOf(entry.record);
    if (up) {
      entry.down.delete(side);
      this.#shop.dataplane.forwardTowards(joined, side);
      this.#book.announce('port_up', entry.record, `${side} port '${entry.record[side].name}' is up`);
    } else {
      entry.down.add(side);
      this.#shop.dataplane.blockTowards(joined, side, 'port_down');
      this.#book.announce('port_down', entry.record, `${side} port '${entry.record[side].name}' is down`);
    }
  }

  #podEnd(device: Device, end: End): void {
    if (end.entry.state !== 'open') return;
    this.#carrier(end.entry, end.side);
    this.#podDiffers(device, end);
  }

  #podDiffers(device: Device, { entry, side }: End): void {
    const known = entry.record[side];
    const mac = device.mac ?? known.mac;
    if (known.name === device.name && known.mac === mac) return;
    const far = entry.record[farSide(side)];
    if (known.mac !== mac && !isLost(far)) setMac(this.#shop.host, far.hostIfindex, mac);
    this.#book.rewrite(entry, { ...entry.record, [side]: { ...known, name: device.name, mac } });
    if (!entry.down.has(side)) this.#shop.dataplane.forwardTowards(joinedOf(entry.record), side);
    this.#book.announce('updated', entry.record, `${side} port is '${device.name}', ${mac}`);
  }

  /** Somebody deleted a device, or a namespace ended: made again where both live, else closed. */
  #gone(entry: Entry, side: Side): void {
    const lost = entry.record[side].hostIfindex;
    const mend = inTurn(entry, () =>
      // The other side may have been put elsewhere before this has its turn.
      reborrowing(entry.record, async (found) => {
        const { record } = entry;
        // When both devices go, the first to be heard mends both.
        if (entry.state !== 'open' || entry.record[side].hostIfindex !== lost) return;
        const handles = bothAlive(found);
        // A connection's client waits for another endpoint.
        if (side === 'right' && record.owner === 'connection' && found.left && !found.right) {
          await standAlone(entry, side, entry.record[side], this.#shop);
          this.#book.announce('port_lost', entry.record, `the namespace of its ${side} port ended`);
          return;
        }
        if (handles && this.#stands(record[farSide(side)])) {
          await this.#remake(entry, side, handles);
          return;
        }
        await closeWire(entry, this.#shop);
        if (!handles) {
          this.#book.drop(entry);
          this.#book.announce('removed', record, `the namespace of its ${side} port ended`);
          return;
        }
        entry.down.clear();
        entry.state = 'opening';
        entry.record = { ...entry.record, intent: 'opening' };
        await openWire(entry, this.#shop, handles);
        this.#book.announce('updated', entry.record, `its ${side} device was deleted: made again`);
        this.#look(entry);
      }),
    );
    mend.catch((error: unknown) => {
      this.#book.drop(entry);
      const { record } = entry;
      this.#book.announce('failed', record, `its ${side} device was deleted: ${String(error)}`);
      // Whose wire it is has to hear that there is none any more.
      if (!this.#book.entries.has(record.id))
        this.#book.announce('removed', record, `its ${side} device could not be made again`);
    });
  }

  #stands({ hostIfindex }: SideRecord): boolean {
    return hostIfindex !== 0 && findDevices(this.#shop.host, [{ ifindex: hostIfindex }])[0] !== null;
  }

  /** The other side keeps its interface. */
  async #remake(entry: Entry, side: Side, handles: Handles): Promise<void> {
    try {
      await carryOutMove(entry, side, entry.record, this.#shop, handles);
    } catch (error) {
      await closeWire(entry, this.#shop);
      throw error;
    }
    this.#book.announce('updated', entry.record, `its ${side} device was deleted: made again`);
  }

  #knows({ record }: Entry): boolean {
    return sides.every((side) => isLost(record[side]) || this.#hosts.get(null, record[side].hostIfindex));
  }

  /** What happened to a wire's host ends since nobody listened, or while it was being opened. `listed`: all there are. */
  #look(entry: Entry, listed: Veths | null = null): void {
    const had = sides.filter((side) => !isLost(entry.record[side]));
    const ifindexes = had.map((side) => entry.record[side].hostIfindex);
    const found = listed
      ? ifindexes.map((ifindex) => listed.get(ifindex) ?? null)
      : findDevices(
          this.#shop.host,
          ifindexes.map((ifindex) => ({ ifindex })),
        );
    for (const [i, side] of had.entries()) {
      const device = found[i] ?? null;
      if (device?.linkIfindex != null) {
        const { linkNetnsid: nsid, linkIfindex: podIfindex } = device;
        this.#hosts.set(null, device.ifindex, { entry, side, nsid, podIfindex });
        this.#pods.set(nsid, podIfindex, { entry, side });
      }
      if (entry.state !== 'open') continue;
      if (!device) this.#gone(entry, side);
      // Asked only where it is not as it is known to be.
      else if ((device.up && device.carrier === true) === entry.down.has(side)) this.#carrier(entry, side);
    }
  }

  /** Reads all devices and mends what notifications did not tell. */
  resync(): void {
    this.#hosts.clear();
    this.#pods.clear();
    const listed = listVeths(this.#shop.host);
    for (const entry of this.#book.entries.values()) this.#look(entry, listed);
    for (const ends of this.#endsByNamespace().values()) this.#lookInto(ends);
  }

  #endsByNamespace(): Map<string, End[]> {
    const namespaces = new Map<string, End[]>();
    for (const entry of this.#book.entries.values()) {
      if (entry.state !== 'open') continue;
      for (const side of sides) {
        const key = fileKey(entry.record[side].netns);
        const there = namespaces.get(key);
        if (there) there.push({ entry, side });
        else namespaces.set(key, [{ entry, side }]);
      }
    }
    return namespaces;
  }

  /** One list per namespace, however many wires end there. */
  #lookInto(ends: readonly End[]): void {
    const [first] = ends;
    const netns = first?.entry.record[first.side].netns;
    const handle = netns ? reopen(netns) : null;
    if (!handle || !netns) return;
    try {
      const devices = ofPod(handle, listVeths);
      for (const end of ends) {
        const device = devices.get(end.entry.record[end.side].ifindex);
        if (device && end.entry.state === 'open') this.#podDiffers(device, end);
      }
    } catch (error) {
      this.#log.error({ netns: netns.ref, error: String(error) }, 'A namespace could not be looked into');
    } finally {
      handle.close();
    }
  }
}
