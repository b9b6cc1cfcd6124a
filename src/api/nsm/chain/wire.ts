import { create } from '@bufbuild/protobuf';
import { Failure } from '../../../features/failure.ts';
import type { SideSpec, WireItem, Wires, WireSpec } from '../../../features/wire/api.ts';
import type { ConnectionSideRecord } from '../../../state/connection-record.ts';
import type { Held } from '../connections/held.ts';
import type { Connection } from '../proto/connection_pb.ts';
import { ConnectionContextSchema } from '../proto/connectioncontext_pb.ts';
import { aboutAnswer } from './answered.ts';
import type { Attempt, Element } from './element.ts';
import { differingSide, standing, wantedOf, withoutSide, type Wanted } from './wanted.ts';

const shownRoutes = ({ routes }: SideSpec): string[] =>
  routes.map(({ prefix, via }) => (via === null ? prefix : `${prefix} via ${via}`));

const shown = (spec: SideSpec, item: { name: string }): ConnectionSideRecord => ({
  mechanism: 'KERNEL',
  netns: spec.netns,
  name: item.name,
  addresses: [...spec.addresses],
  routes: shownRoutes(spec),
});

/**
 * A wire of this connection is in the way only where an earlier agent made it and its file could not be read: nobody
 * has held it since.
 */
async function addInPlace(wires: Wires, spec: WireSpec & { connection: string }): Promise<WireItem> {
  try {
    return await wires.add(spec);
  } catch (error) {
    if (!(error instanceof Failure && error.field === 'connection')) throw error;
    const { connection } = spec;
    if (!wires.outlines().some((wire) => wire.connection === connection && wire.owner === 'connection'))
      throw error;
    await wires.remove({ connection });
    return wires.add(spec);
  }
}

/** Removes a wire that may have ended by itself, with a namespace of it. */
export async function removeWire(wires: Wires, id: number): Promise<void> {
  try {
    await wires.remove({ id });
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'not_found')) throw error;
  }
}

// Made apart from what makes the wire: it lives as long as the connection, with all it could see.
const releaseWire = (wires: Wires, id: number) => (): Promise<void> => removeWire(wires, id);

/** The fingerprint of a wire that an earlier agent made, until it matters: reading it out of the messages takes a while. */
const unread = 'of an earlier agent';

/** Holds the wire of a connection that stands already. */
export const holdWire = (connection: Held, wires: Wires, id: number): Promise<void> =>
  connection.scope.hold('wire', unread, () => releaseWire(wires, id));

/** What cannot be changed on the wire that the connection has; null where it has none. */
function heldPlace(connection: Held): string | null {
  const place = connection.scope.fingerprint('wire');
  if (place !== unread) return place;
  const read = standing(connection)?.place ?? 'left half-made';
  connection.scope.refit('wire', read);
  return read;
}

/** This side is nowhere, or elsewhere than it was answered: whatever is asked for next puts it there. */
export function sideLost(connection: Held, side: 'left' | 'right'): void {
  const place = heldPlace(connection);
  if (place !== null) connection.scope.refit('wire', withoutSide(place, side));
}

/**
 * On the way back, when both mechanisms are known: the wire between them, with the connection's addresses, routes,
 * neighbours, policies and MTU. A refresh touches what has changed, and what somebody took away, and nothing else.
 */
export function wire(wires: Wires): Element {
  /** What is done with the wire that the connection has; null where there is none any more. */
  async function ofStanding<T>(
    connection: Held,
    act: (name: { id: number }) => Promise<T>,
  ): Promise<T | null> {
    const { wire: id } = connection.record;
    if (id === null) return null;
    try {
      return await act({ id });
    } catch (error) {
      if (!(error instanceof Failure && error.code === 'not_found')) throw error;
      connection.settled = null; // it ended with a namespace
      return null;
    }
  }

  const update = (connection: Held, { left, right, mtu }: Wanted): Promise<WireItem | null> =>
    ofStanding(connection, (name) => wires.update(name, { mtu, datapath: null, left, right }));

  /** False where there is no wire any more. */
  const restore = async (connection: Held): Promise<boolean> =>
    (await ofStanding(connection, async (name) => {
      await wires.restore(name);
      return true;
    })) !== null;

  const isSettled = (connection: Held, { settings, mtu }: Wanted): boolean =>
    connection.settled === settings && (mtu === null || mtu === connection.record.mtu);

  async function make(connection: Held, service: string, wanted: Wanted): Promise<WireItem> {
    const { left, right, mtu, place } = wanted;
    const found: { made: WireItem | null } = { made: null };
    await connection.scope.hold('wire', place, async () => {
      const made = await addInPlace(wires, {
        connection: connection.id,
        service,
        owner: 'connection',
        left,
        right,
        mtu,
        datapath: 'auto',
        acceptNoOffload: false,
      });
      found.made = made;
      return releaseWire(wires, made.id);
    });
    if (!found.made) throw new Error('A wire is held that was not made');
    return found.made;
  }

  function note(connection: Held, wanted: Wanted, { id, mtu, left, right }: WireItem): void {
    connection.settled = wanted.settings;
    connection.record = {
      ...connection.record,
      wire: id,
      mtu,
      left: shown(wanted.left, left),
      right: shown(wanted.right, right),
    };
  }

  async function comeBack(connection: Held, service: string, before: Wanted): Promise<void> {
    try {
      note(connection, before, await make(connection, service, before));
    } catch {
      // A side of it has ended. The healer hears that the connection has no wire any more.
    }
  }

  /** Two wires cannot have one interface name, so the old one went first; where there is no new one it comes back. */
  async function remake(connection: Held, service: string, wanted: Wanted): Promise<WireItem> {
    const before = connection.scope.has('wire') ? standing(connection) : null;
    await connection.scope.release('wire');
    try {
      return await make(connection, service, wanted);
    } catch (error) {
      if (before) await comeBack(connection, service, before);
      throw error;
    }
  }

  /** One side elsewhere: the other one's interface stays, and is told what is new. What is refused leaves it as it was. */
  const move = (connection: Held, side: 'left' | 'right', wanted: Wanted): Promise<WireItem | null> =>
    ofStanding(connection, async (name) => {
      connection.settled = null;
      const far = wanted[side === 'left' ? 'right' : 'left'];
      try {
        const item = await wires.moveSide(name, side, wanted[side], { mtu: wanted.mtu, far });
        connection.scope.refit('wire', wanted.place);
        return item;
      } catch (error) {
        const lost = wires.outlines().find(({ id }) => id === name.id)?.lost ?? null;
        if (lost !== null) sideLost(connection, lost);
        throw error;
      }
    });

  /** The wire that stands, as it is to be; null where it has to be made anew. */
  async function changed(connection: Held, wanted: Wanted): Promise<WireItem | null> {
    const place = heldPlace(connection);
    if (place === wanted.place) return update(connection, wanted);
    const only = place === null ? null : differingSide(place, wanted.place);
    return only === null ? null : move(connection, only, wanted);
  }

  async function wired(reply: Connection, at: Attempt): Promise<Connection> {
    const { held } = at;
    const wanted = wantedOf(reply, at);
    const stays = heldPlace(held) === wanted.place;
    if (stays && isSettled(held, wanted) && (await restore(held))) {
      if (reply.context) reply.context.MTU = held.record.mtu;
      return reply;
    }
    const item = (await changed(held, wanted)) ?? (await remake(held, reply.networkService, wanted));
    note(held, wanted, item);
    reply.context ??= create(ConnectionContextSchema);
    reply.context.MTU = item.mtu;
    return reply;
  }

  return {
    name: 'wire',
    async request(request, at, next) {
      const reply = await next(request);
      try {
        return await wired(reply, at);
      } catch (error) {
        throw aboutAnswer(error, reply.networkServiceEndpointName);
      }
    },
  };
}
