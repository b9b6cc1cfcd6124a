import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { NetError } from '../error.ts';
import { InputError } from '../input.ts';

export const AF_UNIX = 1;
/** struct sockaddr_un has 108 bytes for the path and its final zero. */
const PATH_BYTES = 107;

const S_IWOTH = 0o002;
const S_ISVTX = 0o1000;

/** struct sockaddr_un. InputError if the kernel cannot take the path. */
export function encodeAddress(path: string, field: string): Buffer {
  const bytes = Buffer.byteLength(path);
  if (!path.startsWith('/') || path.includes('\0') || bytes > PATH_BYTES)
    throw new InputError(
      field,
      path,
      `an absolute path of at most ${PATH_BYTES} bytes, which is what the kernel has room for`,
      bytes > PATH_BYTES ? `it has ${bytes} bytes` : null,
    );
  const address = Buffer.alloc(2 + bytes + 1);
  address.writeUInt16LE(AF_UNIX);
  address.write(path, 2);
  return address;
}

function folderProblem(found: Stats): string | null {
  if (found.isSymbolicLink()) return 'it is a link';
  if (!found.isDirectory()) return 'it is no directory';
  if (found.uid !== 0 && found.uid !== process.geteuid?.()) return `it belongs to user ${found.uid}`;
  if ((found.mode & S_IWOTH) !== 0 && (found.mode & S_ISVTX) === 0) return 'everybody may write to it';
  return null;
}

/**
 * Makes the directory of a socket, mode 0755 less the umask; InputError if others decide what lies in it, NetError if
 * it cannot be made.
 */
export function ensureFolder(path: string, field: string): void {
  const folder = dirname(path);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw new NetError('Make directory', folder, -((error as NodeJS.ErrnoException).errno ?? 0));
  }
  const problem = folderProblem(lstatSync(folder));
  if (problem !== null)
    throw new InputError(
      field,
      path,
      "a socket in a directory of root's or the user's own",
      `${folder}: ${problem}`,
    );
}
