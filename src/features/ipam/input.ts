import { type Cidr, formatCidr, networkOf, parseCidr } from '../../net/cidr.ts';
import { InputError } from '../../net/input.ts';
import { parseIp } from '../../net/ip.ts';
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
