import type { Logger } from 'pino';
import type { Side } from '../../dataplane/port.ts';
import type { View } from '../../dataplane/view.ts';
import { Scope } from '../../state/scope.ts';
import { KEPT_ERRORS, type SideRecord, type WireRecord } from '../../state/wire-record.ts';
import type { FileIdentity } from '../../file-identity.ts';
import { Failure } from '../failure.ts';
import type {
  MoveChange,
  SideSpec,
  WireChange,
  WireEvent,
  WireItem,
  WireName,
  WireOutline,
  Wires,
  WireSpec,
} from './api.ts';
import { applyChange, planChange } from './change.ts';
import type { Handles } from './devices.ts';
import { Ends } from './ends.ts';
import { inTurn, isLost, lostSide, Sides, stateOf, type Entry } from './entry.ts';
import { wireItem, wireOutline } from './item.ts';
import { moveAsPlanned, nothingElse, planSideMove } from './side-move.ts';
import { bothAlive, borrowing, borrowingFor, reborrowing } from './namespaces.ts';
import { restorePods } from './ip/pods.ts';
import { closeWire, openWire, rewrite, type Workshop } from './open.ts';
import { makeWay } from './orphans.ts';
import { checkConnection, planWire, type Surroundings } from './plan.ts';
import { waitReady } from './ready.ts';
import { explainXdp, noSuchWire, toldAsFailure, tooManyWires } from './refusal.ts';
import { settleAgain } from './settle-again.ts';

/** The wires of one agent: what was asked for, by whom it is called, and how it stands. */
export class WireBook implements Wires {
  readonly #shop: Workshop;
  readonly #view: View;
  readonly #at: Surroundings;
  readonly #log: Logger;
  readonly #entries = new Map<number, Entry>();
  readonly #ends = new Ends();
  /** Connection names in use or being set up. */
  readonly #names = new Map<string, number>();
  readonly #listeners = new Set<(event: WireEvent) => void>();

  constructor(shop: Workshop, view: View, at: Surroundings, log: Logger) {
    this.#shop = shop;
    this.#view = view;
    this.#at = at;
    this.#log = log;
  }

  get entries(): ReadonlyMap<number, Entry> {
    return this.#entries;
  }

  /** Takes up a wire that exists, or is about to. The caller says how it stands. */
  enter(record: WireRecord, state: Entry['state'], scope = new Scope('wire')): Entry {
    const entry: Entry = { record, scope, state, down: new Sides(), turn: Promise.resolve() };
    this.#entries.set(record.id, entry);
    this.#names.set(record.connection, record.id);
    this.#ends.add(entry);
    return entry;
  }

  /** Forgets a wire, unless something of it could not be released: then it stays to be closed again. */
  drop(entry: Entry): void {
    if (!entry.scope.isEmpty) return;
    this.#entries.delete(entry.record.id);
    this.#ends.remove(entry);
    if (this.#names.get(entry.record.connection) === entry.record.id)
      this.#names.delete(entry.record.connection);
  }

  announce(
    type: WireEvent['type'],
    { id, connection }: { id: number; connection: string },
    detail: string,
  ): void {
    const event: WireEvent = { at: new Date().toISOString(), type, wire: id, connection, detail };
    this.#log[type === 'failed' ? 'warn' : 'info']({ wire: id, conn: connection, event: type }, detail);
    const entry = this.#entries.get(id);
    if (type === 'failed' && entry && entry.state !== 'orphan') {
      const errors = [...entry.record.errors, { at: event.at, message: detail }].slice(-KEPT_ERRORS);
      this.rewrite(entry, { ...entry.record, errors });
    }
    for (const listener of this.#listeners) listener(event);
  }

  async add(spec: WireSpec): Promise<WireItem> {
    return toldAsFailure(() => this.#add(spec));
  }

  async #add(spec: WireSpec): Promise<WireItem> {
    return borrowing(spec, async (netns) => {
      await makeWay(spec, netns, this, this.#shop.host);
      // Nothing waits from here until the entry stands, or two could pass the same check.
      if (this.#entries.size >= this.#at.maxWires) throw tooManyWires(this.#entries.size, this.#at.maxWires);
      if (spec.connection !== null) this.#checkFree(checkConnection(spec.connection));
      const beside = this.#ends.ofBoth(netns);
      const record = planWire({ spec, id: this.#freeId(), netns, beside }, this.#at);
      const entry = this.enter(record, 'opening');
      try {
        await inTurn(entry, () => openWire(entry, this.#shop, netns));
      } catch (error) {
        this.drop(entry);
        this.announce('failed', record, (error as Error).message);
        throw error;
      }
      this.announce('added', entry.record, `${record.datapath}: ${record.reason}`);
      // The drops of a wire that has just been opened were forgotten; reading them all takes long.
      return wireItem(entry.record, stateOf(entry), this.#view, new Map());
    });
  }

  /** One whose default connection name is free too. */
  #freeId(): number {
    for (;;) {
      const id = this.#shop.dataplane.allocateWire();
      if (!this.#names.has(`wire-${id}`)) return id;
    }
  }

  #checkFree(connection: string): void {
    const taken = this.#names.get(connection);
    if (taken === undefined) return;
    throw new Failure('refused', `connection is '${connection}': wire ${taken} has that name`, {
      field: 'connection',
      value: connection,
      allowed: 'a name no open wire has',
    });
  }

  find(name: WireName): Entry {
    const id = 'id' in name ? name.id : this.#names.get(name.connection);
    const entry = id === undefined ? undefined : this.#entries.get(id);
    if (!entry) throw noSuchWire(name);
    return entry;
  }

  async update(name: WireName, change: WireChange): Promise<WireItem> {
    return toldAsFailure(() => this.#update(name, change));
  }

  async #update(name: WireName, change: WireChange): Promise<WireItem> {
    const entry = this.find(name);
    return inTurn(entry, () =>
      reborrowing(entry.record, async (found) => {
        this.#findChangeable(entry);
        const handles = bothAlive(found);
        if (!handles) throw new Failure('refused', `Wire ${entry.record.id}: a namespace of it has ended`);
        if (lostSide(entry.record) !== undefined)
          throw new Failure(
            'refused',
            `Wire ${entry.record.id} has one side only, the other has to be put somewhere`,
          );
        await this.#carryOut(entry, change, handles);
        return this.#item(entry);
      }),
    );
  }

  async #carryOut(entry: Entry, change: WireChange, handles: Handles): Promise<void> {
    const { record } = entry;
    const beside = this.#ends.ofBoth({ left: record.left.netns, right: record.right.netns });
    const plan = { record, change, handles, beside };
    const wanted = planChange(plan, this.#at.tcx);
    const done = applyChange(entry, plan, wanted, this.#shop);
    if (done === null) return;
    // Without carrier nothing could become ready.
    if (done.joins && entry.down.size === 0) await waitReady(this.#shop.host, wanted, handles);
    this.announce('updated', wanted, done.summary.join('; '));
    if (done.woken) await settleAgain(entry, this.#shop, handles);
  }

  async moveSide(
    name: WireName,
    side: Side,
    to: SideSpec,
    along: MoveChange = nothingElse,
  ): Promise<WireItem> {
    return toldAsFailure(() => this.#moveSide(name, side, to, along));
  }

  async #moveSide(name: WireName, side: Side, spec: SideSpec, along: MoveChange): Promise<WireItem> {
    const entry = this.find(name);
    return inTurn(entry, () =>
      borrowingFor(entry.record, side, spec, async (handles) => {
        this.#findChangeable(entry);
        const move = { side, spec, along, handles, beside: this.#ends.ofBoth(handles) };
        const plan = planSideMove(entry.record, move, this.#at);
        const before = entry.record[side];
        const woken = { so: false };
        this.#ends.addIn(entry, handles[side]);
        try {
          woken.so = await moveAsPlanned(entry, move, plan, this.#shop);
        } catch (error) {
          this.announce(
            'failed',
            entry.record,
            `its ${side} side cannot be moved: ${(error as Error).message}`,
          );
          this.#announcePutBack(entry, side, before);
          throw explainXdp(error, plan.to.mtu);
        } finally {
          this.moved(entry, [before.netns, handles[side]]);
        }
        const { netns, name: device } = entry.record[side];
        this.announce('updated', entry.record, `its ${side} side is '${device}' in '${netns.ref}' now`);
        if (woken.so) await settleAgain(entry, this.#shop, handles);
        return this.#item(entry);
      }),
    );
  }

  /** What became of a side that could not be moved. */
  #announcePutBack({ record }: Entry, side: Side, before: SideRecord): void {
    const { hostIfindex } = record[side];
    if (hostIfindex === before.hostIfindex) return;
    if (isLost(record[side])) this.announce('port_lost', record, `its ${side} side is nowhere`);
    else this.announce('updated', record, `its ${side} side was made again where it was`);
  }

  /** A side of it may be elsewhere than it was, or was about to be. */
  moved(entry: Entry, from: readonly FileIdentity[]): void {
    for (const netns of from) this.#ends.leave(entry, netns);
    this.#ends.add(entry);
  }

  /** It may have been removed while a change waited for its turn. */
  #findChangeable(entry: Entry): void {
    this.find({ id: entry.record.id });
    if (entry.state !== 'open')
      throw new Failure('refused', `Wire ${entry.record.id} is ${entry.state}, which cannot be changed`);
  }

  async restore(name: WireName): Promise<void> {
    return toldAsFailure(() => this.#restore(name));
  }

  async #restore(name: WireName): Promise<void> {
    const entry = this.find(name);
    return inTurn(entry, () =>
      reborrowing(entry.record, async (found) => {
        this.find({ id: entry.record.id }); // it may have been removed while this waited
        const handles = bothAlive(found);
        // What ends or is made again is under way by itself.
        if (entry.state !== 'open' || handles === null || lostSide(entry.record) !== undefined) return;
        const restored = restorePods(entry.record, handles);
        if (restored.length === 0) return;
        this.announce('updated', entry.record, `brought back: ${restored.join('; ')}`);
        await settleAgain(entry, this.#shop, handles);
      }),
    );
  }

  /** Changes what is known of a wire, in memory and on disk. */
  rewrite(entry: Entry, record: WireRecord): void {
    rewrite(entry, record, this.#shop);
  }

  async remove(name: WireName): Promise<void> {
    return toldAsFailure(() => this.close(this.find(name), 'asked for'));
  }

  /** Takes a wire down for a reason. A second call waits for the first. */
  async close(entry: Entry, why: string): Promise<void> {
    return inTurn(entry, async () => {
      if (!this.#entries.has(entry.record.id)) return;
      try {
        await closeWire(entry, this.#shop);
      } catch (error) {
        this.announce('failed', entry.record, (error as Error).message);
        throw error;
      }
      this.drop(entry);
      this.announce('removed', entry.record, why);
    });
  }

  list(): WireItem[] {
    const drops = this.#view.dropped();
    return [...this.#entries.values()]
      .sort((a, b) => a.record.id - b.record.id)
      .map((entry) => wireItem(entry.record, stateOf(entry), this.#view, drops));
  }

  outlines(): WireOutline[] {
    return Array.from(this.#entries.values(), (entry) => wireOutline(entry.record, stateOf(entry)));
  }

  #item(entry: Entry): WireItem {
    return wireItem(entry.record, stateOf(entry), this.#view, this.#view.dropped());
  }

  subscribe(listener: (event: WireEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
