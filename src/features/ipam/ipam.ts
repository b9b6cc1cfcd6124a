import { type Cidr, formatCidr, hostCidr } from '../../net/cidr.ts';
import { Failure } from '../failure.ts';
import { cidrOf } from './input.ts';
import { maxExcluded, maxFormer, maxKept, maxPools } from './limits.ts';
import { Pool } from './pool.ts';
import { joined, numberOf, overlap, type Range, rangeOf, rangeWith } from './range.ts';

/** What a connection comes with: addresses of before as CIDRs, and networks it wants nothing of. */
export interface Wish {
  readonly src: readonly string[];
  readonly dst: readonly string[];
  readonly excluded: readonly string[];
}

/** CIDRs: `src` for the client's interface, `dst` for the endpoint's; the leased ones first, in the order of the pools. */
export interface Addresses {
  readonly src: readonly string[];
  readonly dst: readonly string[];
  /** The pairs of this endpoint's pools, which are among them. */
  readonly pairs: readonly Pair[];
}

/** One address each out of one pool, as /32 or /128. */
export interface Pair {
  readonly pool: string;
  readonly src: string;
  readonly dst: string;
}

/** Addresses that are set aside until the offer is accepted or withdrawn, once. */
export interface Offer extends Addresses {
  accept(): void;
  withdraw(): void;
}

interface Lease {
  readonly pool: Pool;
  readonly pair: Pair;
}

/**
 * Hands out addresses of an endpoint's pools, a pair of each to every id, and never one address twice.
 * The lowest free ones are taken, the endpoint's before the client's; the network's own address counts
 * as one. Kept in memory only: after a restart the same addresses are leased by naming them as a wish.
 */
export class Ipam {
  readonly #pools: readonly Pool[];
  readonly #leases = new Map<string, readonly Lease[]>();
  /** Of pools there were, the latest last: their addresses are nobody's any more. */
  #former: readonly Range[] = [];

  /** Networks as CIDRs. Throws Failure naming `field`. */
  constructor(pools: readonly string[], field = 'pools') {
    if (pools.length > maxPools)
      throw new Failure('invalid', `${field} are ${pools.length}: at most ${maxPools} are allowed`, {
        field,
        value: String(pools.length),
        allowed: `at most ${maxPools} pools`,
      });
    this.#pools = pools.map((text) => new Pool(text, field));
    this.#pools.forEach((pool, i) => {
      const other = this.#pools.slice(0, i).find((earlier) => overlap(earlier.range, pool.range));
      if (other === undefined) return;
      throw new Failure('invalid', `${field} has '${pool.prefix}', which overlaps '${other.prefix}'`, {
        field,
        value: pool.prefix,
        allowed: 'networks that have no address in common',
      });
    });
  }

  /** How much of each pool is in use, in addresses. */
  get pools(): { prefix: string; used: number; size: bigint }[] {
    return this.#pools.map(({ prefix, used, size }) => ({ prefix, used, size }));
  }

  has(id: string): boolean {
    return this.#leases.has(id);
  }

  /** `offer`, accepted at once. */
  lease(id: string, wish: Wish): Addresses {
    const offer = this.offer(id, wish);
    offer.accept();
    const { src, dst, pairs } = offer;
    return { src, dst, pairs };
  }

  /**
   * The addresses of `id`: those it has, unless it now excludes them; else those it wishes for, where they
   * are free; else new ones. Addresses of no pool here stay in the lists, since a connection that comes
   * from another endpoint goes on being reached by them; those of a pool that are somebody else's do not.
   * Throws Failure, and then nothing has changed. One offer to an id at a time.
   */
  offer(id: string, wish: Wish): Offer {
    const excluded = exclusion(wish.excluded);
    const [src, dst] = [hosts(wish.src, 'src_ip_addrs'), hosts(wish.dst, 'dst_ip_addrs')];
    const before = this.#leases.get(id) ?? [];
    const dropped = before.filter(({ pair }) => isExcluded(pair, excluded));
    const taken: Lease[] = [];
    const withdraw = (): void => {
      for (const { pool, pair } of taken) give(pool, pair);
    };
    try {
      const leases = this.#pools.map((pool): Lease => {
        const kept = before.find((lease) => lease.pool === pool && !dropped.includes(lease));
        if (kept !== undefined) return kept;
        const lease = { pool, pair: pairOf(pool, excluded, src, dst) };
        taken.push(lease);
        return lease;
      });
      const pairs = leases.map(({ pair }) => pair);
      return {
        src: [...pairs.map((pair) => pair.src), ...this.#foreign(src)],
        dst: [...pairs.map((pair) => pair.dst), ...this.#foreign(dst)],
        pairs,
        accept: () => {
          for (const { pool, pair } of dropped) give(pool, pair);
          this.#leases.set(id, leases);
        },
        withdraw,
      };
    } catch (error) {
      withdraw();
      throw error;
    }
  }

  /**
   * The same ids on other pools, in the order in which they came; what is free of their wishes they keep.
   * This one stays as it is. Throws Failure where the pools cannot be, or do not suffice.
   */
  moved(pools: readonly string[], wishOf: (id: string) => Wish): Ipam {
    const next = new Ipam(pools);
    next.#former = [...this.#former, ...this.#pools.map(({ range }) => range)].slice(-maxFormer);
    for (const id of this.#leases.keys()) next.lease(id, wishOf(id));
    return next;
  }

  /** Harmless for an id that has none. */
  release(id: string): void {
    for (const { pool, pair } of this.#leases.get(id) ?? []) give(pool, pair);
    this.#leases.delete(id);
  }

  #foreign(hosts: readonly Host[]): string[] {
    const former = joined(this.#former);
    const own = ({ cidr, number }: Host): boolean =>
      this.#pools.some((pool) => pool.has(cidr.family, number));
    return hosts
      .filter((host) => !own(host) && !barred(host, former))
      .map(({ text }) => text)
      .slice(-maxKept);
  }
}

function give(pool: Pool, { src, dst }: Pair): void {
  pool.release(dst);
  pool.release(src);
}

/** Both addresses of a pair, or none and a Failure. */
function pairOf(pool: Pool, excluded: readonly Range[], src: readonly Host[], dst: readonly Host[]): Pair {
  const theirs = earlier(pool, excluded, dst) ?? pool.takeLowest(excluded);
  if (theirs === null) throw exhausted(pool, excluded);
  const ours = earlier(pool, excluded, src) ?? pool.takeLowest(excluded);
  if (ours !== null) return { pool: pool.prefix, src: ours, dst: theirs };
  pool.release(theirs);
  throw exhausted(pool, excluded);
}

/** Takes the first of the addresses that is this pool's, free and not excluded. */
function earlier(pool: Pool, excluded: readonly Range[], hosts: readonly Host[]): string | null {
  for (const host of hosts) {
    if (!pool.has(host.cidr.family, host.number) || barred(host, excluded)) continue;
    if (pool.take(host.number)) return formatCidr(hostCidr(host.cidr.address));
  }
  return null;
}

function exhausted(pool: Pool, excluded: readonly Range[]): Failure {
  const within = excluded.some((range) => overlap(range, pool.range));
  return new Failure(
    'exhausted',
    `Pool '${pool.prefix}' is exhausted: ${pool.used} of its ${pool.size} addresses are in use` +
      (within ? ', and the connection excludes others' : ''),
    { field: 'pools', value: pool.prefix, allowed: 'a larger pool, or fewer connections' },
  );
}

function exclusion(prefixes: readonly string[]): Range[] {
  const field = 'excluded_prefixes';
  if (prefixes.length > maxExcluded)
    throw new Failure('invalid', `${field} are ${prefixes.length}: at most ${maxExcluded} are allowed`, {
      field,
      value: String(prefixes.length),
      allowed: `at most ${maxExcluded} prefixes`,
    });
  return joined(prefixes.map((prefix) => rangeOf(cidrOf(prefix, field))));
}

/** One of the addresses a connection comes with. */
interface Host {
  /** Canonical; the host part and the length stay as they are given. */
  readonly text: string;
  readonly cidr: Cidr;
  /** Its address. */
  readonly number: bigint;
}

function hostOf(text: string, field: string): Host {
  const cidr = cidrOf(text, field);
  return { text: formatCidr(cidr), cidr, number: numberOf(cidr.address) };
}

/** Each once. */
const hosts = (addresses: readonly string[], field: string): Host[] => [
  ...new Map(addresses.map((address) => hostOf(address, field)).map((host) => [host.text, host])).values(),
];

const barred = ({ cidr, number }: Host, excluded: readonly Range[]): boolean =>
  rangeWith(excluded, cidr.family, number) !== null;

const isExcluded = ({ src, dst }: Pair, excluded: readonly Range[]): boolean =>
  [src, dst].some((address) => barred(hostOf(address, 'address'), excluded));
