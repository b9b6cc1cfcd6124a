import { type FileIdentity, sameFile } from '../../file-identity.ts';
import { locateNetns } from '../../net/locate.ts';
import { adoptNetns, NetnsError, openNetns } from '../../net/netns.ts';
import { formatNetns, parseNetns } from '../../net/netns-ref.ts';
import { Failure } from '../failure.ts';
import { failureOf } from './refusal.ts';

/** A namespace as it is kept: by a name that leads to it again, and by what it is. */
export interface Whereabouts {
  readonly netns: string;
  readonly identity: FileIdentity;
}

const identityOf = ({ dev, inode }: FileIdentity): FileIdentity => ({ dev, inode });

function leadsTo(netns: string, identity: FileIdentity): boolean {
  try {
    const handle = openNetns(parseNetns(netns));
    try {
      return sameFile(handle, identity);
    } finally {
      handle.close();
    }
  } catch (error) {
    if (error instanceof NetnsError) return false;
    throw error;
  }
}

/** Whether the namespace still lives: by the name it was kept under, or by any other. */
export const netnsLives = ({ netns, identity }: Whereabouts): boolean =>
  leadsTo(netns, identity) || locateNetns(identity) !== null;

/** Opens what a ref names, looks at it and closes it. Throws Failure with the field. */
export function whereaboutsOf(netns: string, field: string): Whereabouts {
  try {
    const handle = openNetns(parseNetns(netns, field), field);
    try {
      return { netns, identity: identityOf(handle) };
    } finally {
      handle.close();
    }
  } catch (error) {
    throw failureOf(error);
  }
}

/** Checks that a passed descriptor is a network namespace, and closes it in any case. Throws Failure with the field. */
export function passedNetns(fd: number, field: string): FileIdentity {
  try {
    const handle = adoptNetns(fd, field);
    try {
      return identityOf(handle);
    } finally {
      handle.close();
    }
  } catch (error) {
    throw failureOf(error);
  }
}

/**
 * A name that leads to a namespace which somebody proved to hold: a process known to be in it, else what is
 * found. No descriptor of it is kept, since that would keep a dead pod's devices alive. Throws Failure.
 */
export function keptNetns(identity: FileIdentity, pid: number | null, field: string): Whereabouts {
  if (pid !== null && leadsTo(`pid:${pid}`, identity))
    return { netns: `pid:${pid}`, identity: identityOf(identity) };
  const found = locateNetns(identity);
  if (found) return { netns: formatNetns(found), identity: identityOf(identity) };
  throw new Failure(
    'refused',
    `${field} is network namespace ${identity.inode}: no process this agent can see is in it and no file in ` +
      '/run/netns leads to it, so that it could not be found again',
    {
      field,
      value: String(identity.inode),
      allowed:
        "a namespace with a process that the agent sees (it may need the host's pid namespace), or a name",
    },
  );
}
