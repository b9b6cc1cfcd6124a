import { InputError } from './input.ts';
import { addressBits, formatIp, ipBytes, ipFamily, parseIp, type Family } from './ip.ts';

/** An address and the length of its prefix. The host part is kept: '10.0.0.7/24' is an address in a network. */
export interface Cidr {
  readonly family: Family;
  readonly address: string;
  readonly prefix: number;
}

const ALLOWED = "an address with a prefix length, such as '10.0.0.1/24' or '2001:db8::1/64'";

export function parseCidr(value: string, field: string): Cidr {
  const [text = '', length, ...more] = value.split('/');
  if (length === undefined || more.length > 0 || !/^\d{1,3}$/.test(length))
    throw new InputError(field, value, ALLOWED);
  let address: string;
  try {
    address = parseIp(text, field);
  } catch (error) {
    if (error instanceof InputError)
      throw new InputError(field, value, ALLOWED, `'${text}' is no IP address`);
    throw error;
  }
  const family = ipFamily(address);
  const prefix = Number(length);
  if (prefix > addressBits(family))
    throw new InputError(
      field,
      value,
      ALLOWED,
      `an IPv${family} prefix has at most ${addressBits(family)} bits`,
    );
  return { family, address, prefix };
}

export const formatCidr = (cidr: Cidr): string => `${cidr.address}/${cidr.prefix}`;

/** The address alone, as /32 or /128. */
export function hostCidr(address: string): Cidr {
  const family = ipFamily(address);
  return { family, address, prefix: addressBits(family) };
}

/** Whether every address of one's network is in the other's; never for two families. */
export function covers(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false;
  return networkOf({ ...inner, prefix: outer.prefix }).address === networkOf(outer).address;
}

export const overlap = (a: Cidr, b: Cidr): boolean => covers(a, b) || covers(b, a);

/** The same prefix without the host part, as a route wants it. */
export function networkOf(cidr: Cidr): Cidr {
  const bytes = ipBytes(cidr.address);
  bytes.forEach((byte, i) => {
    const bits = Math.min(8, Math.max(0, cidr.prefix - i * 8));
    bytes.writeUInt8(byte & (0xff00 >> bits) & 0xff, i);
  });
  return { ...cidr, address: formatIp(bytes) };
}
