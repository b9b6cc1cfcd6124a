import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { type Server, type Socket, createServer } from 'node:net';
import { dirname } from 'node:path';
import { Failure } from '../../features/failure.ts';
import { maxConnections } from './limits.ts';
import { probe } from './probe.ts';

/** struct sockaddr_un has 108 bytes for the path and its final zero. */
const maxPath = 107;

/** Only root may look: the folder is ours and nobody else's. */
function privateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  if (!found.isDirectory() || found.uid !== process.getuid?.())
    throw new Failure('refused', `Folder '${path}' is not the agent's own: it is a link or somebody else's`, {
      field: 'runDir',
      value: path,
      allowed: 'a folder owned by the user of the agent',
    });
  chmodSync(path, 0o700);
}

/** Removes the socket of an agent that died; a living one's, or a file that is no socket, stays. */
async function clear(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new Failure('refused', `Cannot listen on '${path}': a file that is no socket is there`, {
      value: path,
    });
  const answer = await probe(path);
  if (answer === 'open')
    throw new Failure('refused', `Cannot listen on '${path}': another agent answers there`, { value: path });
  if (answer !== 'ECONNREFUSED')
    throw new Failure('failed', `Cannot tell whether '${path}' is in use: connect says ${answer}`);
  unlinkSync(path);
}

/**
 * Listens on `path`, mode 0600 in a folder of mode 0700. The caller closes it, which removes the file.
 * Nothing else may listen for this instance: the agent's lock sees to that.
 */
export async function listen(path: string, onConnection: (socket: Socket) => void): Promise<Server> {
  if (Buffer.byteLength(path) > maxPath)
    throw new Failure('invalid', `Socket path '${path}' is too long: the kernel allows ${maxPath} bytes`, {
      field: 'runDir',
      value: path,
      allowed: `a path of at most ${maxPath} bytes with the socket's name`,
    });
  privateFolder(dirname(path));
  await clear(path);
  const server = createServer(onConnection);
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', resolve);
    // For a path, listen() binds before it returns, so the mask covers this bind and nothing else.
    const mask = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(mask);
    }
  });
  const mode = lstatSync(path).mode & 0o777;
  if (mode === 0o600) return server;
  await new Promise<void>((resolve) =>
    server.close(() => {
      resolve();
    }),
  );
  throw new Failure('failed', `Socket '${path}' has mode 0${mode.toString(8)} instead of 0600`);
}
