import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BpfMap } from '../../loader/map.ts';
import type { BpfLink } from '../../loader/link/link.ts';
import { unpin } from '../../loader/pin.ts';
import { tables, type NodeTable, type PortTable } from '../../maps/table.ts';
import { Attachments, placeOf, type Place } from './attach.ts';
import { DropSweep } from './drop-sweep.ts';
import { datapaths, type Datapath } from './datapath.ts';
import { type BlockReason, directionFrom, dropping, forwarding, hopKeyOf, sameHop } from './hops.ts';
import { mapPath, openNode, openShared, type SharedTables } from './kernel-maps.ts';
import { keepEntries } from './stale.ts';
import { LossWatch, observeLosses, type LossObservation } from './losses.ts';
import type { Enter, Joined } from './joined.ts';
import { makePinDirectories, pinPaths, type PinPaths } from './pins.ts';
import { farSide, sides, type Port, type Side } from './port.ts';
import { Programs, type ProgramName } from './programs.ts';

export interface DataplaneConfig {
  /** Mount point of a BPF file system. */
  bpffs: string;
  instance: string;
  /** Wires the tables have room for; null takes what the programs declare (65,536). */
  maxWires: number | null;
}

/**
 * Owns the maps, programs and attachments of one instance. Everything that forwards is pinned or belongs
 * to its device, so closing this, or dying, changes nothing for traffic.
 */
export class Dataplane {
  readonly paths: PinPaths;
  readonly losses: LossObservation;
  readonly #programs: Programs;
  readonly #attachments: Attachments;
  readonly #drops: DropSweep;
  readonly #tables: SharedTables;
  readonly #node: NodeTable;
  readonly #watch: LossWatch | null;
  readonly #lossLink: BpfLink | null;
  #ports: PortTable | null = null;

  private constructor(config: DataplaneConfig) {
    this.paths = pinPaths(config.bpffs, config.instance);
    makePinDirectories(this.paths);
    const entries = config.maxWires === null ? null : config.maxWires * 2;
    const sizes: Record<string, number> =
      entries === null ? {} : { hops: entries, counters: entries, watched: entries * 2 };
    this.#programs = new Programs(this.paths, sizes);
    this.#programs.get('vwire_tc_own');
    this.#tables = openShared(this.paths.maps, false);
    this.#drops = new DropSweep(this.#tables.drops);
    this.#node = openNode(this.paths.maps);
    const losses = observeLosses(this.#programs, this.paths);
    this.losses = losses.state;
    this.#lossLink = losses.link;
    this.#watch =
      losses.link === null
        ? null
        : new LossWatch(tables.watched(BpfMap.openPinned(mapPath(this.paths.maps, 'watched'))));
    this.#attachments = new Attachments(this.paths.links, config.instance);
  }

  /** The caller holds the instance's lock, and closes. */
  static open(config: DataplaneConfig): Dataplane {
    return new Dataplane(config);
  }

  get tables(): SharedTables {
    return this.#tables;
  }

  /** Never handed out before within this boot, also not by an agent before this one. */
  allocateWire(): number {
    const node = this.#node.get(0);
    if (node === null) throw new Error("Map 'node' lost its only entry");
    if (node.nextWire === 0xffffffff) throw new Error('Wire ids are used up until the next boot');
    this.#node.set(0, { nextWire: node.nextWire + 1 });
    return node.nextWire;
  }

  /** Makes sure that this id is never handed out, though the map that counts them may have been lost. */
  reserveWire(id: number): void {
    const node = this.#node.get(0);
    if (node !== null && node.nextWire <= id) this.#node.set(0, { nextWire: id + 1 });
  }

  /**
   * Joins two ports whose devices exist and are down: counters and targets first, the entries, then the
   * programs. What fails half-way is taken back. Repeating it mends what is missing and leaves the rest.
   */
  wire(wire: Joined, enter: Enter): void {
    const undo: (() => void)[] = [];
    try {
      for (const side of sides) {
        const key = { wire: wire.id, direction: directionFrom(side) };
        if (this.#tables.counters.make(key)) undo.push(() => this.#tables.counters.delete(key));
      }
      for (const side of sides) this.#watch?.watch(wire.id, side, wire[side]);
      if (wire.datapath === 'xdp') this.#prepareXdp(wire, enter, undo);
      for (const side of sides) this.#setHop(wire, side, undo);
      for (const side of sides) {
        this.#attachments.attach(
          this.#place(wire, side),
          this.#programs.get(programFor(wire.datapath, wire[side])),
        );
        undo.push(() => {
          this.#attachments.detach(this.#place(wire, side));
        });
      }
    } catch (error) {
      for (const step of undo.reverse()) step();
      for (const side of sides) this.#watch?.unwatch(wire[side]);
      throw error;
    }
  }

  #setHop(wire: Joined, side: Side, undo: (() => void)[]): void {
    const key = hopKeyOf(wire[side]);
    const hop = forwarding(wire.id, side, wire[farSide(side)], wire.datapath);
    const before = this.#tables.hops.get(key);
    if (before && sameHop(before, hop)) return;
    this.#tables.hops.set(key, hop);
    undo.push(() => {
      if (before) this.#tables.hops.set(key, before);
      else this.#tables.hops.delete(key);
    });
  }

  /** XDP needs its targets in a devmap, and NAPI at the far end of each veth. */
  #prepareXdp(wire: Joined, enter: Enter, undo: (() => void)[]): void {
    const pass = this.#programs.get('vwire_xdp_pass'); // loads the object, hence the devmap
    this.#ports ??= tables.ports(BpfMap.openPinned(mapPath(this.paths.maps, 'ports')));
    const ports = this.#ports;
    for (const side of sides) {
      const { ifindex, pod } = wire[side];
      ports.set(ifindex, ifindex);
      undo.push(() => ports.delete(ifindex));
      if (pod === null) continue;
      const place = this.#passPlace(wire.id, side, pod.ifindex);
      enter(side, () => {
        this.#attachments.attach(place, pass);
      });
      undo.push(() => {
        enter(side, () => {
          this.#attachments.detach(place);
        });
      });
    }
  }

  /** Turns both hops to drop at once, counted with `reason`. */
  block(wire: Joined, reason: BlockReason): void {
    for (const side of sides) this.blockTowards(wire, side, reason);
  }

  /** Turns the hop that leads to `side` to drop. */
  blockTowards(wire: Joined, side: Side, reason: BlockReason): void {
    const from = farSide(side);
    if (!hasDevice(wire[from])) return;
    const hop = forwarding(wire.id, from, wire[side], wire.datapath);
    this.#tables.hops.set(hopKeyOf(wire[from]), dropping(hop, reason));
  }

  /** Undoes blockTowards. */
  forwardTowards(wire: Joined, side: Side): void {
    const from = farSide(side);
    if (!hasDevice(wire[from])) return;
    this.#tables.hops.set(hopKeyOf(wire[from]), forwarding(wire.id, from, wire[side], wire.datapath));
  }

  /** After the devices went: takes the entries away, unless an ifindex is another wire's already. */
  removeEntries(wire: Joined): void {
    for (const side of sides) this.#removeEntry(wire, side);
  }

  #removeEntry(wire: Joined, side: Side): void {
    const key = hopKeyOf(wire[side]);
    if (this.#tables.hops.get(key)?.wire !== wire.id) return;
    this.#tables.hops.delete(key);
    this.#ports?.delete(wire[side].ifindex);
  }

  /** After the device of one side went: forgets what was there for it. The other side keeps its hop. */
  leave(wire: Joined, side: Side): void {
    this.#removeEntry(wire, side);
    this.#attachments.forgetPin(this.#place(wire, side));
    this.#attachments.forgetPin(this.#passPlace(wire.id, side, 0));
    this.#watch?.unwatch(wire[side]);
  }

  /** After the devices went: forgets pins, counters, drops and what was watched. */
  async forget(wire: Joined): Promise<void> {
    for (const side of sides) {
      this.#attachments.forgetPin(this.#place(wire, side));
      this.#attachments.forgetPin(this.#passPlace(wire.id, side, 0));
      this.#watch?.unwatch(wire[side]);
      this.#tables.counters.delete({ wire: wire.id, direction: directionFrom(side) });
    }
    await this.#drops.forget(wire.id);
  }

  /** No drop is charged to this wire any more; 0 for those that are charged to none. */
  forgetDrops(wire: number): void {
    this.#drops.forgetNow(wire);
  }

  /** Removes every entry and pin that none of these wires needs: an ifindex may be somebody else's by now. */
  keepOnly(wires: readonly Joined[]): void {
    keepEntries(wires, this.#tables, this.#watch);
    const known = new Set(wires.map(({ id }) => id));
    for (const name of readdirSync(this.paths.links)) {
      const wire = /^w(\d+)-/.exec(name)?.[1];
      if (wire !== undefined && !known.has(Number(wire))) unpin(join(this.paths.links, name));
    }
  }

  /** Takes away what a change of datapath that was cut short left attached beside the wire's own. */
  detachOthers(wire: Joined): void {
    for (const datapath of datapaths) if (datapath !== wire.datapath) this.#detachFrom({ ...wire, datapath });
  }

  #detachFrom(wire: Joined): void {
    for (const side of sides) this.#attachments.detach(this.#place(wire, side));
    if (wire.datapath !== 'xdp') return;
    // Last: until the far end's program is gone, its frames arrive in the pod through NAPI.
    for (const side of sides)
      this.#attachments.detach(this.#passPlace(wire.id, side, wire[side].pod?.ifindex ?? 0));
  }

  /**
   * Moves a joined wire to another datapath without losing a frame: the new programs attach before the
   * old ones leave. Of XDP, tcx and clsact on one device the earlier hook decides.
   */
  switchDatapath(wire: Joined, datapath: Datapath, enter: Enter): void {
    if (wire.datapath === datapath) return;
    this.wire({ ...wire, datapath }, enter);
    this.#detachFrom(wire);
  }

  /**
   * Reads which device has which filters, for as long as many are asked after and nobody else changes them. Call the
   * returned function when they are done.
   */
  listFilters(): () => void {
    return this.#attachments.listFilters();
  }

  /** Whether entries and programs are exactly what this wire needs. */
  isJoined(wire: Joined): boolean {
    return sides.every((side) => {
      const hop = this.#tables.hops.get(hopKeyOf(wire[side]));
      const wanted = forwarding(wire.id, side, wire[farSide(side)], wire.datapath);
      if (hop === null || !sameHop(hop, wanted)) return false;
      return (
        this.#attachments.programAt(this.#place(wire, side)) ===
        this.#programs.get(programFor(wire.datapath, wire[side])).info.id
      );
    });
  }

  #place(wire: Joined, side: Side): Place {
    return placeOf(wire, side, wire[side]);
  }

  #passPlace(id: number, side: Side, ifindex: number): Place {
    return { wire: id, datapath: 'xdp', ifindex, made: true, pinName: `w${id}-${side}-pass` };
  }

  /** Unpins programs of other versions; call it once every wire runs this one's. */
  forgetOtherVersions(): void {
    this.#programs.forgetOthers();
  }

  /** Closes descriptors. Pins stay, traffic goes on. */
  close(): void {
    this.#drops.finish();
    this.#programs.close();
    this.#attachments.close();
    this.#tables.hops.close();
    this.#tables.counters.close();
    this.#tables.drops.close();
    this.#node.close();
    this.#watch?.close();
    this.#ports?.close();
    this.#lossLink?.close();
  }
}

/** A wire may be left with one side. */
const hasDevice = ({ ifindex }: Port): boolean => ifindex !== 0;

function programFor(datapath: Datapath, port: Port): ProgramName {
  if (datapath === 'xdp') return port.made ? 'vwire_xdp_own' : 'vwire_xdp_guest';
  return port.made ? 'vwire_tc_own' : 'vwire_tc_guest';
}
