import { InputError } from './input.ts';

const ALLOWED =
  "1 to 15 printable ASCII characters without '/', ':', '%' or space, other than '.', '..', 'all' and 'default'";

/**
 * A device name the kernel takes literally. '%' starts a pattern there, ':' an old alias, and 'all' and
 * 'default' are directories of /proc/sys/net. Non-ASCII is refused because the kernel counts bytes and takes
 * byte 0xa0, half of many a letter, for a space.
 */
export function parseIfname(value: string, field: string): string {
  const refuse = (problem: string): InputError => new InputError(field, value, ALLOWED, problem);
  if (value === '') throw refuse('it is empty');
  if (!/^[\x21-\x7e]*$/.test(value)) throw refuse('it has a character that is not printable ASCII');
  if (value.length > 15) throw refuse(`it has ${value.length} characters`);
  const forbidden = /[/:%]/.exec(value)?.[0];
  if (forbidden !== undefined) throw refuse(`it has a '${forbidden}'`);
  if (['.', '..', 'all', 'default'].includes(value)) throw refuse('it is reserved');
  return value;
}
