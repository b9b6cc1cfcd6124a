import { endOf } from '../../../net/unix/socket-file.ts';
import type { Caller } from '../grpc/services.ts';
import type { Registrant } from './registrant.ts';

/** Whether a caller may name what is not its own: by the agent's rules, which are not the registry's. */
export type Trust = (caller: Caller) => boolean;

/**
 * Whose a registration is: the user's in a network namespace, which is to say a pod's; where the namespace cannot be
 * seen, the user's; over tcp a machine's.
 */
export function ownerOf(caller: Caller): string {
  if (caller.kind === 'tcp') return `address ${hostOf(caller)}`;
  const { peer } = caller;
  const netns = peer.currentNetns();
  const user = `user ${peer.uid}`;
  return netns === null ? user : `netns ${netns.dev}:${netns.inode} ${user}`;
}

/** Without port and brackets. */
export const hostOf = ({ address }: Caller & { kind: 'tcp' }): string =>
  address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');

export function registrantOf(caller: Caller, isTrusted: Trust): Registrant {
  const isGone = caller.kind === 'unix' ? endOf(caller.peer) : null;
  return { owner: ownerOf(caller), trusted: isTrusted(caller), ...(isGone === null ? {} : { isGone }) };
}
