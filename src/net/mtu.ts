import { InputError } from './input.ts';

/** What a veth takes; IPv6 is switched off by the kernel on a device below 1280. */
export const MIN_MTU = 68;
export const MAX_MTU = 65535;

export function parseMtu(value: string | number, field: string): number {
  const text = String(value);
  const mtu = /^\d{1,6}$/.test(text) ? Number(text) : -1;
  if (mtu < MIN_MTU || mtu > MAX_MTU)
    throw new InputError(field, text, `a whole number of bytes from ${MIN_MTU} to ${MAX_MTU}`);
  return mtu;
}
