import { type FileIdentity, sameFile } from '../../../file-identity.ts';
import { Failure } from '../../../features/failure.ts';
import {
  keptNetns,
  passedNetns,
  whereaboutsOf,
  type Whereabouts,
} from '../../../features/wire/whereabouts.ts';
import type { Peer } from '../../../net/unix/peer.ts';
import type { UnixStream } from '../../../net/unix/stream.ts';
import { parseInodeUrl } from '../inode-url.ts';
import { takeNetns } from './passed-netns.ts';

/** Who names a namespace: a process at the other end of a socket, or nobody that can be asked. */
export interface Namer {
  readonly peer: Peer | null;
  readonly stream: UnixStream | null;
  /** May name namespaces that are not its own. */
  readonly trusted: boolean;
}

const ALLOWED =
  "'inode://DEV/INODE' of the caller's own network namespace or of one whose descriptor it passes on the same socket";

const refuse = (
  field: string,
  value: string,
  problem: string,
  code: 'invalid' | 'denied' = 'invalid',
): Failure => new Failure(code, `${field} is '${value}': ${problem}`, { field, value, allowed: ALLOWED });

const pidOf = (peer: Peer | null): number | null => (peer && peer.pid > 0 ? peer.pid : null);

/** A namespace that a trusted process names as a file: its own files' names are ours, it is in our namespaces. */
function ofFile(url: string, { peer, trusted }: Namer, field: string): Whereabouts {
  const path = url.replace(/^file:\/\//, '');
  const own = /^\/proc\/(self|thread-self)\/ns\/net$/.test(path);
  if (own) return ofOwn(url, peer, field);
  if (!trusted) throw refuse(field, url, 'only processes that the agent trusts may name files', 'denied');
  return whereaboutsOf(`path:${path}`, field);
}

function ofOwn(url: string, peer: Peer | null, field: string): Whereabouts {
  const identity = peer?.currentNetns() ?? null;
  if (!identity) throw refuse(field, url, "the caller's own namespace cannot be told");
  return keptNetns(identity, pidOf(peer), field);
}

async function passed(
  identity: FileIdentity,
  url: string,
  { peer, stream }: Namer,
  field: string,
  signal: AbortSignal,
): Promise<Whereabouts> {
  if (!stream)
    throw refuse(field, url, 'no descriptor can be passed on a connection that is no unix socket', 'denied');
  let fd: number;
  try {
    fd = await takeNetns(stream, identity, signal);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EINVAL')
      throw refuse(field, url, 'the descriptor that came with the call is of no namespace');
    throw new Failure(
      'denied',
      `${field} is '${url}': it is not the namespace of process ${peer?.pid ?? 0}, and no descriptor of it came ` +
        'with the call (NSM processes send none while they log less than INFO)',
      { field, value: url, allowed: ALLOWED, cause },
    );
  }
  // What it names is not what a caller says but what the descriptor is.
  return keptNetns(passedNetns(fd, field), pidOf(peer), field);
}

/**
 * The namespace that a mechanism's `inodeURL` means, if this caller may name it. An empty one is the caller's
 * own. Throws Failure with the field.
 */
export async function namedNetns(
  url: string,
  namer: Namer,
  field: string,
  signal: AbortSignal,
): Promise<Whereabouts> {
  if (url === '') return ofOwn(url, namer.peer, field);
  if (url.startsWith('file://')) return ofFile(url, namer, field);
  const identity = parseInodeUrl(url);
  if (!identity) throw refuse(field, url, 'this form is not known');
  const own = namer.peer?.currentNetns() ?? null;
  if (own && sameFile(own, identity)) return keptNetns(identity, pidOf(namer.peer), field);
  if (namer.trusted) return keptNetns(identity, null, field);
  return passed(identity, url, namer, field, signal);
}
