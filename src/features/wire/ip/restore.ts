import { findByIndex, setUp } from '../../../net/device.ts';
import { findNeighbours } from '../../../net/neigh.ts';
import { converge, type Place } from './converge.ts';
import { additionOf, nameOf, type Piece, piecesOf, slotOf } from './pieces.ts';
import { readStandings } from './standings.ts';
import { trustAddresses } from './sysctls.ts';

const EEXIST = 17;

/**
 * What of this the kernel had not, and now has. Each is added where nothing has its place: what stands is refused
 * without a notification, and nothing has to be listed, which takes the longer the more wires end in the pod.
 */
function addAbsent({ socket }: Place, pieces: readonly Piece[]): { added: Piece[]; whole: boolean } {
  const results = socket.batch(pieces.map(additionOf));
  return {
    added: pieces.filter((_, i) => results[i]?.ok === true),
    whole: results.every((result) => result.ok || result.errno === EEXIST),
  };
}

/** Only a list tells: the kernel gives each rule that is added a priority of its own, and takes it twice. */
function rulesStand({ socket, record }: Place, rules: readonly Piece[]): boolean {
  const standings = readStandings(socket, record.ifindex, rules);
  return rules.every((rule) => standings.has(slotOf(rule)));
}

/** Whether they are as they were put there: the kernel learns others in their places. */
function neighborsStand({ socket, record }: Place): boolean {
  const found = findNeighbours(
    socket,
    record.ifindex,
    record.neighbors.map(({ address }) => address),
  );
  return record.neighbors.every(({ mac }, i) => found[i]?.mac === mac && found[i].state === 'permanent');
}

/** Brings up an interface that somebody put down. False where it is up, or gone: who follows the devices makes it again. */
export function bringUp({ socket, record }: Place): boolean {
  if (findByIndex(socket, record.ifindex)?.up !== false) return false;
  trustAddresses(record.name);
  setUp(socket, record.ifindex);
  return true;
}

/**
 * Brings back what somebody took away from an interface: an address, a route, a rule, a neighbour, or that it is up.
 * What stands is not touched. Returns what was brought back, for people.
 */
export function restore(place: Place): string[] {
  const { side, record } = place;
  const pieces = piecesOf(record, record.ifindex, side);
  const names: string[] = [];
  if (bringUp(place)) names.push('up');
  else {
    const { added, whole } = addAbsent(
      place,
      pieces.filter(({ kind }) => kind === 'address' || kind === 'route'),
    );
    names.push(...added.map(nameOf));
    const rules = pieces.filter(({ kind }) => kind === 'rule');
    if (whole && neighborsStand(place) && rulesStand(place, rules)) return names;
  }
  const { missing, other } = converge(place, [], record);
  return [...names, ...[...missing, ...other].map(nameOf)];
}
