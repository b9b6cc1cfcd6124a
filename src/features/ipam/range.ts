import { type Cidr, networkOf } from '../../net/cidr.ts';
import { addressBits, type Family, formatIp, ipBytes } from '../../net/ip.ts';

/** Addresses of one family from `first` to `last`, as numbers. */
export interface Range {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

export const numberOf = (address: string): bigint => BigInt(`0x${ipBytes(address).toString('hex')}`);

export function addressOf(family: Family, number: bigint): string {
  const digits = addressBits(family) / 4;
  return formatIp(Buffer.from(number.toString(16).padStart(digits, '0'), 'hex'));
}

export function rangeOf(cidr: Cidr): Range {
  const first = numberOf(networkOf(cidr).address);
  const bits = BigInt(addressBits(cidr.family) - cidr.prefix);
  return { family: cidr.family, first, last: first + (1n << bits) - 1n };
}

export const overlap = (a: Range, b: Range): boolean =>
  a.family === b.family && a.first <= b.last && b.first <= a.last;

/** Sorted, and joined where they touch: then each can be stepped over once. */
export function joined(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort(
    (a, b) => a.family - b.family || (a.first < b.first ? -1 : a.first > b.first ? 1 : 0),
  );
  const result: Range[] = [];
  for (const range of sorted) {
    const before = result.at(-1);
    if (before?.family !== range.family || before.last + 1n < range.first) result.push(range);
    else if (before.last < range.last) result[result.length - 1] = { ...before, last: range.last };
  }
  return result;
}

/** The one of `joined` ranges that has the number, by halving. */
export function rangeWith(ranges: readonly Range[], family: Family, number: bigint): Range | null {
  let [low, high] = [0, ranges.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range === undefined) return null;
    if (range.family < family || (range.family === family && range.last < number)) low = middle + 1;
    else if (range.family > family || range.first > number) high = middle - 1;
    else return range;
  }
  return null;
}
