import { Failure } from '../../src/features/failure.ts';
import type {
  CounterItem,
  MoveChange,
  PortItem,
  SideSpec,
  WireChange,
  WireEvent,
  WireItem,
  WireName,
  WireOutline,
  WireSpec,
  Wires,
} from '../../src/features/wire/api.ts';
import { Gate } from './gate.ts';

const since = '2026-01-02T03:04:05.000Z';
const nothing: CounterItem = { packets: 0n, segments: 0n, bytes: 0n, dropped: {} };

function portOf(side: SideSpec, id: number, letter: 'l' | 'r'): PortItem {
  return {
    netns: side.netns,
    name: side.name ?? 'vwire0',
    ifindex: 2,
    mac: side.mac ?? `02:00:00:00:0${letter === 'l' ? 1 : 2}:0${id}`,
    host: { name: `vw${id}${letter}`, ifindex: 10 + 2 * id + (letter === 'l' ? 0 : 1) },
    addresses: side.addresses,
  };
}

export function wireOf(id: number, spec: WireSpec): WireItem {
  const datapath = spec.datapath === 'auto' ? 'tcx' : spec.datapath;
  const reason = spec.datapath === 'auto' ? 'frames that end in a pod keep their offloads' : 'asked for';
  return {
    id,
    connection: spec.connection ?? `wire-${id}`,
    service: spec.service,
    owner: spec.owner,
    state: 'open',
    since,
    mtu: spec.mtu ?? 1500,
    left: portOf(spec.left, id, 'l'),
    right: portOf(spec.right, id, 'r'),
    hops: [
      { from: 'left', to: 'right', datapath, reason, action: 'peer' },
      { from: 'right', to: 'left', datapath, reason, action: 'peer' },
    ],
    counters: { leftToRight: nothing, rightToLeft: nothing },
  };
}

export const side = (netns: string): SideSpec => ({
  netns,
  identity: null,
  name: null,
  mac: null,
  addresses: [],
  routes: [],
  neighbors: [],
  policies: [],
});

export const specOf = (left: string, right: string, more: Partial<WireSpec> = {}): WireSpec => ({
  connection: null,
  service: null,
  owner: 'wire',
  left: side(left),
  right: side(right),
  mtu: null,
  datapath: 'auto',
  acceptNoOffload: false,
  ...more,
});

/** The interface `Wires` without a kernel. */
export class MemoryWires extends Gate implements Wires {
  readonly #wires = new Map<number, WireItem>();
  readonly #listeners = new Set<(event: WireEvent) => void>();
  #nextId = 1;
  get listeners(): number {
    return this.#listeners.size;
  }

  tell(event: Partial<WireEvent>): void {
    const whole: WireEvent = { at: since, type: 'added', wire: 1, connection: 'c', detail: '', ...event };
    for (const listener of this.#listeners) listener(whole);
  }

  /** A wire ends by itself. */
  lose(id: number, detail: string): void {
    const { connection } = this.find({ id });
    this.#wires.delete(id);
    this.tell({ type: 'removed', wire: id, connection, detail });
  }

  find(name: WireName): WireItem {
    const found = [...this.#wires.values()].find((wire) =>
      'id' in name ? wire.id === name.id : wire.connection === name.connection,
    );
    if (found !== undefined) return found;
    const value = 'id' in name ? String(name.id) : name.connection;
    throw new Failure('not_found', `No wire '${value}'`, { field: 'wire', value });
  }

  async add(spec: WireSpec): Promise<WireItem> {
    await this.pass({ add: spec });
    const taken = this.list().find(({ connection }) => connection === spec.connection);
    if (taken !== undefined)
      throw new Failure('refused', `Connection '${taken.connection}' has wire ${taken.id}`, {
        field: 'connection',
        value: taken.connection,
        allowed: 'a name no open wire has',
      });
    const wire = wireOf(this.#nextId++, spec);
    this.#wires.set(wire.id, wire);
    this.tell({ type: 'added', wire: wire.id, connection: wire.connection });
    return wire;
  }

  async update(name: WireName, change: WireChange): Promise<WireItem> {
    await this.pass({ update: name, change });
    const wire = { ...this.find(name), ...(change.mtu !== null && { mtu: change.mtu }) };
    this.#wires.set(wire.id, wire);
    this.tell({ type: 'updated', wire: wire.id, connection: wire.connection });
    return wire;
  }

  async moveSide(
    name: WireName,
    side: 'left' | 'right',
    to: SideSpec,
    along?: MoveChange,
  ): Promise<WireItem> {
    await this.pass({ moveSide: name, side, to, along });
    const before = this.find(name);
    const wire = {
      ...before,
      mtu: along?.mtu ?? before.mtu,
      [side]: portOf(to, before.id, side === 'left' ? 'l' : 'r'),
    };
    this.#wires.set(wire.id, wire);
    this.tell({ type: 'updated', wire: wire.id, connection: wire.connection });
    return wire;
  }

  async restore(name: WireName): Promise<void> {
    await this.pass({ restore: name });
    this.find(name);
  }

  async remove(name: WireName): Promise<void> {
    await this.pass({ remove: name });
    const { id, connection } = this.find(name);
    this.#wires.delete(id);
    this.tell({ type: 'removed', wire: id, connection });
  }

  /** Puts a wire in as it is. */
  put(wire: WireItem): void {
    this.#wires.set(wire.id, wire);
  }

  list(): WireItem[] {
    return [...this.#wires.values()];
  }

  outlines(): WireOutline[] {
    return this.list().map(({ id, connection, owner, state, left, right }) => ({
      id,
      connection,
      owner,
      state,
      lost: left.ifindex === 0 ? 'left' : right.ifindex === 0 ? 'right' : null,
    }));
  }

  subscribe(listener: (event: WireEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
