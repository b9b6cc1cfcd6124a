import { contentOf, type Piece, slotOf } from './pieces.ts';
import type { Standings } from './standings.ts';

export interface Differences {
  /** To be added; somebody else may have the slot, which the kernel then says. */
  missing: Piece[];
  /** Routes and neighbours of ours in the place of which another one is wanted. */
  other: Piece[];
  /** What was ours and is not wanted any more; what depends on another thing comes before it. */
  obsolete: Piece[];
}

/**
 * What has to happen for the kernel to have `to`, where it may have what we put there for `from`. Whatever
 * else is at the interface is somebody else's, and stays.
 */
export function differences(from: readonly Piece[], to: readonly Piece[], standings: Standings): Differences {
  const wanted = new Set(to.map(slotOf));
  const found: Differences = { missing: [], other: [], obsolete: [] };
  for (const piece of to) {
    const standing = standings.get(slotOf(piece));
    // The kernel's own route to a prefix of the interface is as good as ours.
    if (standing?.content === contentOf(piece)) continue;
    if (standing === undefined || standing.foreign) found.missing.push(piece);
    else found.other.push(piece);
  }
  for (const piece of from) {
    const standing = standings.get(slotOf(piece));
    if (standing === undefined || standing.foreign || wanted.has(slotOf(piece))) continue;
    if (standing.content === contentOf(piece)) found.obsolete.unshift(piece);
  }
  return found;
}
