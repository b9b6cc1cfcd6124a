import { type Cidr, covers, formatCidr, hostCidr, networkOf, parseCidr } from '../../net/cidr.ts';
import { InputError } from '../../net/input.ts';
import { addressBits, parseIp } from '../../net/ip.ts';
import { Failure } from '../failure.ts';

function told<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { message, field, value, allowed } = error;
    throw new Failure('invalid', message, { field, value, allowed, cause: error });
  }
}

/** An address with its prefix length. Throws Failure. */
export const cidrOf = (text: string, field: string): Cidr => told(() => parseCidr(text, field));

/** A network in its canonical text, without a host part. Throws Failure. */
export const networkText = (text: string, field: string): string =>
  formatCidr(networkOf(cidrOf(text, field)));

/** An address in its canonical text. Throws Failure. */
export const addressText = (text: string, field: string): string => told(() => parseIp(text, field));

/** An address with its prefix length in its canonical text. Throws Failure. */
export const cidrText = (text: string, field: string): string => formatCidr(cidrOf(text, field));

/** Whether this is an address rather than a network, and no pool hands it out. Throws Failure. */
export function isOwnAddress(text: string, pools: readonly string[]): boolean {
  const cidr = cidrOf(text, 'address');
  const isHost = cidr.address !== networkOf(cidr).address || cidr.prefix === addressBits(cidr.family);
  return isHost && !pools.some((pool) => covers(cidrOf(pool, 'pools'), hostCidr(cidr.address)));
}
