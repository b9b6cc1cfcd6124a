import { formatCidr, hostCidr, networkOf } from '../../net/cidr.ts';
import { addressBits, type Family } from '../../net/ip.ts';
import { Failure } from '../failure.ts';
import { cidrOf } from './input.ts';
import { NumberSet } from './number-set.ts';
import { addressOf, numberOf, overlap, type Range, rangeOf, rangeWith } from './range.ts';

/** What a host may not have, or nobody may route. */
const unusable = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '224.0.0.0/3',
  '::/127',
  '::ffff:0:0/96',
  'fe80::/10',
  'ff00::/8',
].map((text) => ({ text, range: rangeOf(cidrOf(text, 'pool')) }));

/** One network and which of its addresses are in use. Addresses are CIDR text of one host: '10.0.0.1/32'. */
export class Pool {
  /** Canonical, without a host part. */
  readonly prefix: string;
  readonly range: Range;
  readonly #used: NumberSet;

  /** Throws Failure naming `field`. */
  constructor(text: string, field: string) {
    const network = networkOf(cidrOf(text, field));
    const bits = addressBits(network.family) - network.prefix;
    const refuse = (problem: string): Failure =>
      new Failure('invalid', `${field} is '${text}': ${problem}`, { field, value: text, allowed });
    const allowed = 'a network of unicast addresses with at least two of them';
    if (bits < 1) throw refuse('it has one address, and every client takes two');
    this.prefix = formatCidr(network);
    this.range = rangeOf(network);
    const clash = unusable.find(({ range }) => overlap(range, this.range));
    if (clash !== undefined) throw refuse(`addresses of ${clash.text} are no host's`);
    this.#used = new NumberSet(bits);
  }

  get family(): Family {
    return this.range.family;
  }

  /** Addresses, in use or not. */
  get size(): bigint {
    return this.range.last - this.range.first + 1n;
  }

  get used(): number {
    return this.#used.size;
  }

  has(family: Family, number: bigint): boolean {
    return family === this.family && this.range.first <= number && number <= this.range.last;
  }

  /** Marks one of the pool's, by its number, as used; false if it is already. */
  take(number: bigint): boolean {
    return this.#used.add(number - this.range.first);
  }

  release(address: string): void {
    this.#used.delete(numberOf(cidrOf(address, 'address').address) - this.range.first);
  }

  /**
   * The lowest free address that no excluded range has, now used; null if there is none. `excluded` is
   * sorted and joined.
   */
  takeLowest(excluded: readonly Range[]): string | null {
    let from = 0n;
    for (;;) {
      const free = this.#used.firstMissing(from);
      if (free === null) return null;
      const barred = rangeWith(excluded, this.family, this.range.first + free);
      if (barred === null) {
        this.#used.add(free);
        return formatCidr(hostCidr(addressOf(this.family, this.range.first + free)));
      }
      if (barred.last >= this.range.last) return null;
      from = barred.last + 1n - this.range.first;
    }
  }
}
