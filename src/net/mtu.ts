import { InputError } from './input.ts';

/** What a veth takes. */
export const MIN_MTU = 68;
export const MAX_MTU = 65535;

/** RFC 8200; on a device below it the kernel switches IPv6 off and takes its addresses away. */
export const MIN_IPV6_MTU = 1280;

export function parseMtu(value: string | number, field: string): number {
  const text = String(value);
  const mtu = /^\d{1,6}$/.test(text) ? Number(text) : -1;
  if (mtu < MIN_MTU || mtu > MAX_MTU)
    throw new InputError(field, text, `a whole number of bytes from ${MIN_MTU} to ${MAX_MTU}`);
  return mtu;
}
