import { create } from '@bufbuild/protobuf';
import { Failure } from '../../../features/failure.ts';
import type { SideSpec, WireItem, Wires } from '../../../features/wire/api.ts';
import { ipOfBothSides, type IpPair } from '../../../features/wire/ip-pair.ts';
import type { ConnectionSideRecord } from '../../../state/connection-record.ts';
import type { Held } from '../connections/held.ts';
import type { Connection } from '../proto/connection_pb.ts';
import { ConnectionContextSchema, type ConnectionContext } from '../proto/connectioncontext_pb.ts';
import { aboutAnswer } from './answered.ts';
import type { Attempt, Element, SideFound } from './element.ts';

/** The two IP families and all that belongs to them, out of NSM's message. */
function ipPairOf({ ipContext }: ConnectionContext): IpPair {
  const route = ({
    prefix,
    nextHop,
  }: {
    prefix: string;
    nextHop: string;
  }): { prefix: string; via: string | null } => ({
    prefix,
    via: nextHop === '' ? null : nextHop,
  });
  const given = (text: string): string | null => (text === '' ? null : text);
  return {
    src: ipContext?.srcIpAddrs ?? [],
    dst: ipContext?.dstIpAddrs ?? [],
    srcRoutes: (ipContext?.srcRoutes ?? []).map(route),
    dstRoutes: (ipContext?.dstRoutes ?? []).map(route),
    neighbors: (ipContext?.ipNeighbors ?? []).map(({ ip, hardwareAddress }) => ({
      address: ip,
      mac: hardwareAddress,
    })),
    policies: (ipContext?.policies ?? []).map(({ from, proto, dstPort, srcPort, routes }) => ({
      from: given(from),
      ipProto: given(proto),
      sport: given(srcPort),
      dport: given(dstPort),
      routes: routes.map(route),
    })),
  };
}

interface Wanted {
  left: SideSpec;
  right: SideSpec;
  mtu: number | null;
  /** What cannot be changed on a wire that stands. */
  place: string;
  /** What can, beside the MTU. */
  settings: string;
}

function wantedOf({ context }: Connection, { left, right }: Pick<Attempt, 'left' | 'right'>): Wanted {
  if (!left || !right) throw new Error('A wire is asked for without both mechanisms');
  const ip = ipOfBothSides(ipPairOf(context ?? create(ConnectionContextSchema)));
  const asked = context?.MTU ?? 0;
  const mtu = asked === 0 ? null : asked;
  const mac = { left: context?.ethernetContext?.srcMac ?? '', right: context?.ethernetContext?.dstMac ?? '' };
  const side = ({ netns, identity, name }: SideFound, which: 'left' | 'right'): SideSpec => ({
    netns,
    identity,
    name,
    mac: mac[which] === '' ? null : mac[which],
    ...ip[which],
  });
  const place = ({ identity: { dev, inode }, name }: SideFound, which: 'left' | 'right'): string =>
    JSON.stringify([dev, inode, name, mac[which]]);
  return {
    left: side(left, 'left'),
    right: side(right, 'right'),
    mtu,
    place: placeText(place(left, 'left'), place(right, 'right')),
    settings: JSON.stringify(ip),
  };
}

/** A line for each side; the right one's is empty while it is nowhere, or on the way. */
const placeText = (left: string, right: string): string => `${left}\n${right}`;
const withoutRight = (place: string): string => placeText(place.split('\n')[0] ?? '', '');

const shownRoutes = ({ routes }: SideSpec): string[] =>
  routes.map(({ prefix, via }) => (via === null ? prefix : `${prefix} via ${via}`));

const shown = (spec: SideSpec, item: { name: string }): ConnectionSideRecord => ({
  mechanism: 'KERNEL',
  netns: spec.netns,
  name: item.name,
  addresses: [...spec.addresses],
  routes: shownRoutes(spec),
});

/** Removes a wire that may have ended by itself, with a namespace of it. */
export async function removeWire(wires: Wires, id: number): Promise<void> {
  try {
    await wires.remove({ id });
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'not_found')) throw error;
  }
}

/** Holds the wire of a connection that stands already. */
export const holdWire = (connection: Held, wires: Wires, place: string, id: number): Promise<void> =>
  connection.scope.hold('wire', place, () => () => removeWire(wires, id));

/** Its endpoint's side is nowhere: whatever is asked for next puts it there. */
export function rightLost(connection: Held): void {
  const place = connection.scope.fingerprint('wire');
  if (place !== null) connection.scope.refit('wire', withoutRight(place));
}

/** What a standing wire was made for, from what is kept of the connection. */
export const placeOf = (reply: Connection, sides: Pick<Attempt, 'left' | 'right'>): string =>
  wantedOf(reply, sides).place;

/**
 * On the way back, when both mechanisms are known: the wire between them, with the connection's addresses, routes,
 * neighbours, policies and MTU. A refresh touches what has changed, and what somebody took away, and nothing else.
 */
export function wire(wires: Wires): Element {
  /** What the wire of a connection was last made or changed to. */
  const settled = new WeakMap<Held, Wanted>();

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
      settled.delete(connection); // it ended with a namespace
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
    settled.get(connection)?.settings === settings && (mtu === null || mtu === connection.record.mtu);

  async function make(connection: Held, service: string, wanted: Wanted): Promise<WireItem> {
    const { left, right, mtu, place } = wanted;
    const found: { made: WireItem | null } = { made: null };
    await connection.scope.hold('wire', place, async () => {
      const made = await wires.add({
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
      return () => removeWire(wires, made.id);
    });
    if (!found.made) throw new Error('A wire is held that was not made');
    return found.made;
  }

  function note(connection: Held, wanted: Wanted, { id, mtu, left, right }: WireItem): void {
    settled.set(connection, wanted);
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
    const before = connection.scope.has('wire') ? settled.get(connection) : undefined;
    await connection.scope.release('wire');
    try {
      return await make(connection, service, wanted);
    } catch (error) {
      if (before) await comeBack(connection, service, before);
      throw error;
    }
  }

  /** As it was, or with its client's side alone, until something is asked for again. */
  async function moveBack(connection: Held, name: { id: number }, before: Wanted): Promise<void> {
    const { left, right, mtu, place } = before;
    try {
      await wires.moveSide(name, 'right', right);
      note(connection, before, await wires.update(name, { mtu, datapath: null, left, right: null }));
      connection.scope.refit('wire', place);
    } catch {
      // It has ended there, which the wire's event says.
    }
  }

  /** Another endpoint, or the same one elsewhere: the client's interface stays, and is told what is new. */
  const move = (connection: Held, { left, right, mtu, place }: Wanted): Promise<WireItem | null> =>
    ofStanding(connection, async (name) => {
      const before = settled.get(connection);
      settled.delete(connection);
      rightLost(connection);
      try {
        await wires.moveSide(name, 'right', right);
        const item = await wires.update(name, { mtu, datapath: null, left, right: null });
        connection.scope.refit('wire', place);
        return item;
      } catch (error) {
        if (before) await moveBack(connection, name, before);
        throw error;
      }
    });

  /** The wire that stands, as it is to be; null where it has to be made anew. */
  async function changed(connection: Held, wanted: Wanted): Promise<WireItem | null> {
    const place = connection.scope.fingerprint('wire');
    if (place === wanted.place) return update(connection, wanted);
    const isSameClient = place !== null && withoutRight(place) === withoutRight(wanted.place);
    return isSameClient ? move(connection, wanted) : null;
  }

  async function wired(reply: Connection, at: Attempt): Promise<Connection> {
    const { held } = at;
    const wanted = wantedOf(reply, at);
    const stays = held.scope.fingerprint('wire') === wanted.place;
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
