import { randomBytes } from 'node:crypto';
import { CodecError } from './error.ts';
import { InputError } from './input.ts';

/** MAC addresses are lower-case text with colons everywhere but on the wire. */
const PATTERN = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** Any 6-byte MAC; the result is lower case. */
export function parseMac(value: string, field: string): string {
  if (!PATTERN.test(value))
    throw new InputError(field, value, "six bytes in hex, such as '02:00:00:00:00:01'");
  return value.toLowerCase();
}

/** A MAC a device may have: neither a group address nor all zero. */
export function parseDeviceMac(value: string, field: string): string {
  const mac = parseMac(value, field);
  if ((macBytes(mac).readUInt8() & 1) !== 0)
    throw new InputError(field, value, 'a unicast address: the lowest bit of the first byte is 0');
  if (mac === '00:00:00:00:00:00') throw new InputError(field, value, 'an address that is not all zero');
  return mac;
}

export function macBytes(mac: string): Buffer {
  if (!PATTERN.test(mac)) throw new CodecError(`'${mac}' is not a MAC address`);
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

/** A link-layer address of any length as text; null for one of no bytes (lo in a tunnel, raw devices). */
export function formatMac(bytes: Buffer): string | null {
  return bytes.length === 0 ? null : (bytes.toString('hex').match(/../g) ?? []).join(':');
}

// Drawn in bulk: six random bytes cost as much as a page of them.
const DRAWN = 6 * 512;
let drawn = Buffer.alloc(0);

/** A locally administered unicast MAC. */
export function randomMac(): string {
  if (drawn.length === 0) drawn = randomBytes(DRAWN);
  const bytes = drawn.subarray(0, 6);
  drawn = drawn.subarray(6);
  bytes.writeUInt8((bytes.readUInt8() & 0xfc) | 0x02);
  return formatMac(bytes) ?? '';
}
