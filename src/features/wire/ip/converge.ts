import type { Side } from '../../../dataplane/port.ts';
import { upRequest } from '../../../net/device.ts';
import type { Request } from '../../../net/message.ts';
import type { NetlinkSocket } from '../../../net/socket.ts';
import type { IpRecord, SideRecord } from '../../../state/wire-record.ts';
import { fault } from '../fault.ts';
import { type Differences, differences } from './differences.ts';
import { additionOf, familyOf, type Piece, piecesOf, removalOf, replacementOf, slotOf } from './pieces.ts';
import { refusalOf } from './refusal.ts';
import { readStandings, type Standings } from './standings.ts';
import { allowIpv6, keepSecondaries, trustAddresses } from './sysctls.ts';

/** One side's interface, with the calling thread and the socket in its namespace. */
export interface Place {
  readonly socket: NetlinkSocket;
  readonly side: Side;
  /** Whose ifindex and name are those of now. */
  readonly record: SideRecord;
}

interface Step {
  piece: Piece | null;
  request: Request;
}

const adding = (piece: Piece): Step => ({ piece, request: additionOf(piece) });
const isAddress = ({ kind }: Piece): boolean => kind === 'address';

/** In as few system calls as fit. Throws for the first that is refused; the others are carried out nevertheless. */
function put({ socket, record }: Place, steps: readonly Step[]): void {
  if (steps.some(({ piece }) => piece !== null && familyOf(piece) === 6)) allowIpv6(record.name);
  for (const [i, result] of socket.batch(steps.map(({ request }) => request)).entries()) {
    if (result.ok) continue;
    const piece = steps[i]?.piece ?? null;
    throw piece === null ? result.error : refusalOf(socket, piece, result.error, record.netns.ref);
  }
}

/** Tells the kernel all there is to know of an interface that was just made, and brings it up. */
export function establish(place: Place): void {
  const { side, record } = place;
  trustAddresses(record.name);
  const pieces = piecesOf(record, record.ifindex, side);
  // An interface has addresses before it is up, routes only then.
  put(place, [
    ...pieces.filter(isAddress).map(adding),
    { piece: null, request: upRequest(record.ifindex) },
    ...pieces.filter((piece) => !isAddress(piece)).map(adding),
  ]);
}

const GONE = ['ESRCH', 'ENOENT', 'EADDRNOTAVAIL', 'ENODEV'];

function take(socket: NetlinkSocket, pieces: readonly Piece[], standings: Standings): void {
  const requests = pieces.map((piece) => removalOf(piece, standings.get(slotOf(piece))?.priority ?? null));
  // A route may have gone with an address.
  for (const result of socket.batch(requests))
    if (!result.ok && !GONE.includes(result.error.code)) throw result.error;
}

function add(place: Place, { missing, other }: Differences): void {
  put(place, [
    ...missing.filter(isAddress).map(adding),
    ...other.map((piece) => ({ piece, request: replacementOf(piece) })),
    ...missing.filter((piece) => !isAddress(piece)).map(adding),
  ]);
}

/**
 * Makes the kernel have `to` at an interface that is up, where we may have put any of `from`: what is as it should be
 * is not touched, what is new comes before what is old goes. Returns what it found to do. A failure leaves a
 * part of it done: converging back undoes it.
 */
export function converge(place: Place, from: readonly IpRecord[], to: IpRecord): Differences {
  const { socket, side, record } = place;
  const before = from.flatMap((ip) => piecesOf(ip, record.ifindex, side));
  const after = piecesOf(to, record.ifindex, side);
  const look = (): Standings => readStandings(socket, record.ifindex, [...before, ...after]);
  const standings = look();
  const found = differences(before, after, standings);
  add(place, found);
  fault('ip added');
  if (found.obsolete.some(isAddress)) keepSecondaries(record.name);
  take(socket, found.obsolete, standings);
  fault('ip removed');
  // With an address its prefix's own route goes; with the last IPv4 address every IPv4 route of the interface.
  if (found.obsolete.some(isAddress)) add(place, differences([], after, look()));
  return found;
}

/** What of this is not at the interface, or not as it should be. */
export function lacking({ socket, side, record }: Place): Piece[] {
  const pieces = piecesOf(record, record.ifindex, side);
  const { missing, other } = differences([], pieces, readStandings(socket, record.ifindex, pieces));
  return [...missing, ...other];
}

/** Deletes the rules of these: unlike all else they outlive the interface. Others' are not touched. */
export function dropRules({ socket, side, record }: Place, ips: readonly IpRecord[]): void {
  const rules = ips.flatMap((ip) => piecesOf(ip, record.ifindex, side)).filter(({ kind }) => kind === 'rule');
  const standings = readStandings(socket, record.ifindex, rules);
  const bySlot = new Map(rules.map((piece) => [slotOf(piece), piece]));
  take(
    socket,
    [...bySlot].flatMap(([slot, piece]) => (standings.has(slot) ? [piece] : [])),
    standings,
  );
}
