import type { FileIdentity } from '../../file-identity.ts';

/** How a network namespace is named on the wire: by the file it is. The descriptor travels beside the call. */
export const formatInodeUrl = ({ dev, inode }: FileIdentity): string => `inode://${dev}/${inode}`;

/**
 * `inode://4/4026532000`; null if it is of another form. Layered file systems number with all 64 bits, of which both
 * sides lose the same ones.
 */
export function parseInodeUrl(url: string): FileIdentity | null {
  const [, dev, inode] = /^inode:\/\/(\d{1,20})\/(\d{1,20})$/.exec(url) ?? [];
  return dev === undefined || inode === undefined ? null : { dev: Number(dev), inode: Number(inode) };
}
