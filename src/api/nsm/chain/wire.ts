import { create } from '@bufbuild/protobuf';
import { Failure } from '../../../features/failure.ts';
import type { SideSpec, WireItem, Wires } from '../../../features/wire/api.ts';
import { ipOfBothSides, type IpPair } from '../../../features/wire/ip-pair.ts';
import type { ConnectionSideRecord } from '../../../state/connection-record.ts';
import type { Held } from '../connections/held.ts';
import type { Connection } from '../proto/connection_pb.ts';
import { ConnectionContextSchema, type ConnectionContext } from '../proto/connectioncontext_pb.ts';
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
  /** What can. */
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
  const place = ({ identity: { dev, inode }, name }: SideFound): string => `${dev}/${inode}/${name}`;
  return {
    left: side(left, 'left'),
    right: side(right, 'right'),
    mtu,
    place: JSON.stringify([place(left), mac.left, place(right), mac.right]),
    settings: JSON.stringify([ip, mtu]),
  };
}

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

/** What a standing wire was made for, from what is kept of the connection. */
export const placeOf = (reply: Connection, sides: Pick<Attempt, 'left' | 'right'>): string =>
  wantedOf(reply, sides).place;

/**
 * On the way back, when both mechanisms are known: the wire between them, with the connection's addresses, routes,
 * neighbours, policies and MTU. A refresh touches what has changed and nothing else.
 */
export function wire(wires: Wires): Element {
  const settled = new WeakMap<Held, string>();

  async function update(connection: Held, { left, right, mtu }: Wanted): Promise<WireItem | null> {
    const { wire: id } = connection.record;
    if (id === null) return null;
    try {
      return await wires.update({ id }, { mtu, datapath: null, left, right });
    } catch (error) {
      if (error instanceof Failure && error.code === 'not_found') return null; // it ended with a namespace
      throw error;
    }
  }

  return {
    name: 'wire',
    async request(request, at, next) {
      const reply = await next(request);
      const { held } = at;
      const wanted = wantedOf(reply, at);
      const found: { item: WireItem | null } = { item: null };
      if (held.scope.fingerprint('wire') === wanted.place) {
        if (settled.get(held) === wanted.settings) {
          if (reply.context) reply.context.MTU = held.record.mtu;
          return reply;
        }
        found.item = await update(held, wanted);
        if (found.item === null) await held.scope.release('wire');
      }
      if (found.item === null) {
        const { left, right, mtu } = wanted;
        await held.scope.hold('wire', wanted.place, async () => {
          const made = await wires.add({
            connection: held.id,
            service: reply.networkService,
            owner: 'connection',
            left,
            right,
            mtu,
            datapath: 'auto',
            acceptNoOffload: false,
          });
          found.item = made;
          return () => removeWire(wires, made.id);
        });
      }
      const made = found.item;
      if (!made) throw new Error('A wire is held that was not made');
      settled.set(held, wanted.settings);
      held.record = {
        ...held.record,
        wire: made.id,
        mtu: made.mtu,
        left: shown(wanted.left, made.left),
        right: shown(wanted.right, made.right),
      };
      reply.context ??= create(ConnectionContextSchema);
      reply.context.MTU = made.mtu;
      return reply;
    },
  };
}
