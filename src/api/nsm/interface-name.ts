import { createHash } from 'node:crypto';

const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** IFNAMSIZ without the final zero. */
const length = 15;
/** NSM's: so much of a service's name, and a dash. */
const startLength = 10;

/**
 * NSM's form of a name that nobody chose: the start of the service's, a dash, and letters up to 15. They come out of
 * the connection's id instead of chance, so that whoever restarts finds the same name again; `isTaken` says which
 * to pass by.
 */
export function interfaceName(service: string, id: string, isTaken: (name: string) => boolean): string {
  // '@domain' and what else the kernel would not take is left out.
  const start = service.replace(/[^A-Za-z0-9_-]/g, '').slice(0, startLength) || 'nsm';
  for (let round = 0; ; round += 1) {
    let number = BigInt(`0x${createHash('sha256').update(`${id} ${round}`).digest('hex')}`);
    let name = `${start}-`;
    while (name.length < length) {
      name += letters.charAt(Number(number % 62n));
      number /= 62n;
    }
    if (!isTaken(name)) return name;
  }
}

/** A name that a mechanism may leave open. */
export const givenName = (name: string | undefined): string | null =>
  name === undefined || name === '' ? null : name;

/** Whether the kernel takes it literally: '%' starts a pattern there, ':' an old alias. */
export const isInterfaceName = (name: string): boolean =>
  /^[\x21-\x7e]{1,15}$/.test(name) && !/[/:%]/.test(name) && !['.', '..', 'all', 'default'].includes(name);
