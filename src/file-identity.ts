/**
 * Which file something is, as stat tells it; a namespace is a file, too. Inodes are reused once a file is gone.
 */
export interface FileIdentity {
  readonly dev: number;
  readonly inode: number;
}

/** Files are the same one if and only if both agree. */
export const sameFile = (a: FileIdentity, b: FileIdentity): boolean => a.dev === b.dev && a.inode === b.inode;

/** For maps. */
export const fileKey = ({ dev, inode }: FileIdentity): string => `${dev}:${inode}`;
