import { isIPv4, isIPv6 } from 'node:net';
import { CodecError } from './error.ts';
import { InputError } from './input.ts';

/** IP addresses are text in its one canonical form (RFC 5952), and bytes only on the wire. */
export type Family = 4 | 6;

export const AF_INET = 2;
export const AF_INET6 = 10;

export const familyNumber = (family: Family): number => (family === 4 ? AF_INET : AF_INET6);

/** null: neither of the two. */
export function familyOf(number: number): Family | null {
  return number === AF_INET ? 4 : number === AF_INET6 ? 6 : null;
}

export const addressBits = (family: Family): number => (family === 4 ? 32 : 128);

/** Of canonical or at least valid text. */
export const ipFamily = (address: string): Family => (address.includes(':') ? 6 : 4);

/** An address without prefix or zone, in canonical form. */
export function parseIp(value: string, field: string): string {
  // A zone ('%eth0') names a device of some namespace, which a plain address cannot carry.
  if (!isIPv4(value) && (!isIPv6(value) || value.includes('%')))
    throw new InputError(field, value, "an IP address, such as '10.0.0.1' or '2001:db8::1'");
  return formatIp(ipBytes(value));
}

export function ipBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  if (!isIPv6(address) || address.includes('%')) throw new CodecError(`'${address}' is not an IP address`);
  // A dotted tail stands for the last two groups.
  const text = address.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a: string, b: string, c: string, d: string) =>
      `${((Number(a) << 8) | Number(b)).toString(16)}:${((Number(c) << 8) | Number(d)).toString(16)}`,
  );
  const [head = '', tail] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  const bytes = Buffer.alloc(16);
  [...left, ...zeros, ...right].forEach((group, i) => bytes.writeUInt16BE(parseInt(group, 16), i * 2));
  return bytes;
}

/** 4 or 16 bytes as text. */
export function formatIp(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new CodecError(`An IP address has ${bytes.length} bytes: 4 or 16 expected`);
  if (bytes.readUInt32BE(8) === 0xffff && bytes.readBigUInt64BE(0) === 0n)
    return `::ffff:${bytes.subarray(12).join('.')}`;
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** The first of the longest runs: that one is written '::'. */
function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, i) => {
    if (group !== '0') start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  });
  return best;
}

/** Whether the address means a group: 224.0.0.0/4 or ff00::/8. */
export function isGroup(address: string): boolean {
  const first = ipBytes(address).readUInt8();
  return ipFamily(address) === 4 ? (first & 0xf0) === 0xe0 : first === 0xff;
}
