import type { Side } from '../../../dataplane/port.ts';
import { listAddresses, type Address } from '../../../net/addr.ts';
import { type Cidr, covers, formatCidr, hostCidr, networkOf, overlap, parseCidr } from '../../../net/cidr.ts';
import { findByIndex } from '../../../net/device.ts';
import type { Family } from '../../../net/ip.ts';
import type { NetlinkSocket } from '../../../net/socket.ts';
import { Failure } from '../../failure.ts';
import type { Beside } from '../ends.ts';

/** Every interface has link-local addresses of the same prefix. */
const LINK_LOCAL = parseCidr('fe80::/10', 'link-local');
/** In every namespace. */
const LOOPBACK_IFINDEX = 1;

/** What an interface reaches by itself: its subnet, and the far end's where it has one of its own. */
function subnetsOf({ cidr, peer, ifindex }: Address): Cidr[] {
  // All of 127.0.0.0/8 is lo's, yet an address of it on another interface does nobody harm.
  if (ifindex === LOOPBACK_IFINDEX) return [hostCidr(cidr.address)];
  return peer === null ? [cidr] : [hostCidr(cidr.address), { ...cidr, address: peer }];
}

/** From so many wires in one namespace on, what others have there is looked at once a second, not for each wire. */
const CROWDED = 256;
const HOLDS_MS = 1000;
/** At most so many namespaces are remembered. */
const REMEMBERED = 64;
const seen = new Map<string, { readonly at: number; readonly addresses: readonly Address[] }>();

/**
 * Addresses of interfaces that are not ours. The kernel tells them with all of ours, tens of thousands in a crowded
 * namespace. A pod may give itself another at any moment after the look; where it is crowded, also shortly before.
 */
function addressesOfOthers(socket: NetlinkSocket, family: Family, beside: Beside): readonly Address[] {
  const key = `${beside.key} ${family}`;
  const known = beside.count < CROWDED ? undefined : seen.get(key);
  if (known !== undefined && performance.now() - known.at < HOLDS_MS) return known.addresses;
  const ours = beside.ifindexes();
  const addresses = listAddresses(socket, null, { family, skip: (ifindex) => ours.has(ifindex) });
  if (beside.count >= CROWDED) {
    if (seen.size >= REMEMBERED) seen.clear();
    seen.set(key, { at: performance.now(), addresses });
  }
  return addresses;
}

/**
 * Refuses addresses that would draw traffic away from an interface of the pod's own. Between interfaces
 * of ours (`beside`) they may overlap: that is what policies are for. `index` is an
 * address's place in its field.
 */
export function refuseOverlap(
  socket: NetlinkSocket,
  addresses: readonly { value: string; index: number }[],
  side: Side,
  beside: Beside,
): void {
  const wanted = addresses
    .map((address) => ({ ...address, cidr: parseCidr(address.value, `${side}.addresses`) }))
    .filter(({ cidr }) => !covers(LINK_LOCAL, cidr));
  const families = new Set(wanted.map(({ cidr }) => cidr.family));
  const known = [...families].flatMap((family) => addressesOfOthers(socket, family, beside));
  for (const theirs of known)
    for (const subnet of subnetsOf(theirs)) {
      const hit = wanted.find(({ cidr }) =>
        theirs.ifindex === LOOPBACK_IFINDEX ? cidr.address === subnet.address : overlap(cidr, subnet),
      );
      if (hit === undefined) continue;
      const field = `${side}.addresses[${hit.index}]`;
      const name = findByIndex(socket, theirs.ifindex)?.name ?? String(theirs.ifindex);
      throw new Failure(
        'refused',
        `${field} is '${hit.value}': it overlaps ${formatCidr(networkOf(subnet))} of '${name}'`,
        { field, value: hit.value, allowed: "an address outside of what the pod's own interfaces have" },
      );
    }
}
