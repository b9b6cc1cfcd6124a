import { create } from '@bufbuild/protobuf';
import { createHash } from 'node:crypto';
import type { SideSpec } from '../../../features/wire/api.ts';
import { ipOfBothSides, type IpPair } from '../../../features/wire/ip-pair.ts';
import type { Held } from '../connections/held.ts';
import { givenName } from '../interface-name.ts';
import type { Connection } from '../proto/connection_pb.ts';
import { ConnectionContextSchema, type ConnectionContext } from '../proto/connectioncontext_pb.ts';
import type { Attempt, SideFound } from './element.ts';

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

/** What a wire is to be. */
export interface Wanted {
  left: SideSpec;
  right: SideSpec;
  mtu: number | null;
  /** What cannot be changed on a wire that stands. */
  place: string;
  /** What can, beside the MTU: a digest of it. */
  settings: string;
}

export function wantedOf({ context }: Connection, { left, right }: Pick<Attempt, 'left' | 'right'>): Wanted {
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
    settings: createHash('sha1').update(JSON.stringify(ip)).digest('base64'),
  };
}

/** A line for each side, empty while it is nowhere. Joined: a template keeps its parts. */
const placeText = (left: string, right: string): string => [left, right].join('\n');
const lineOf = (place: string, side: 'left' | 'right'): string =>
  place.split('\n')[side === 'left' ? 0 : 1] ?? '';

export const withoutSide = (place: string, side: 'left' | 'right'): string =>
  side === 'left' ? placeText('', lineOf(place, 'right')) : placeText(lineOf(place, 'left'), '');

/** The only side in which two places differ; null where both do. The other one is somewhere. */
export function differingSide(had: string, wanted: string): 'left' | 'right' | null {
  if (lineOf(had, 'left') === lineOf(wanted, 'left')) return 'right';
  return lineOf(had, 'right') === lineOf(wanted, 'right') ? 'left' : null;
}

/** The two sides as the chain found them. */
function sidesOf({ record, established }: Held): Pick<Attempt, 'left' | 'right'> | null {
  const { leftNetns, rightNetns, left, right } = record;
  if (!established || !leftNetns || !rightNetns) return null;
  const mechanism = established.reply.mechanism ?? established.endpointMechanism;
  return {
    left: {
      mechanism,
      netns: left.netns,
      identity: leftNetns,
      name: wantedName(mechanism.parameters.name, left.name),
    },
    right: {
      mechanism: established.endpointMechanism,
      netns: right.netns,
      identity: rightNetns,
      name: wantedName(established.endpointMechanism.parameters.name, right.name),
    },
  };
}

const wantedName = (asked: string | undefined, had: string): string => givenName(asked) ?? had;

/** What the wire of a connection was made for, from what is kept of it; null of one that never stood. */
export function standing(connection: Held): Wanted | null {
  const sides = sidesOf(connection);
  return sides && connection.established ? wantedOf(connection.established.reply, sides) : null;
}
