/** How a network namespace is named on the wire: by the file it is. The descriptor travels beside the call. */
export interface NetnsFile {
  readonly dev: number;
  readonly inode: number;
}

export const formatInodeUrl = ({ dev, inode }: NetnsFile): string => `inode://${dev}/${inode}`;

/** `inode://4/4026532000`; null if it is of another form. */
export function parseInodeUrl(url: string): NetnsFile | null {
  const [, dev, inode] = /^inode:\/\/(\d{1,15})\/(\d{1,15})$/.exec(url) ?? [];
  return dev === undefined || inode === undefined ? null : { dev: Number(dev), inode: Number(inode) };
}
