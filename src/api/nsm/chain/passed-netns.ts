import type { FileIdentity } from '../../../file-identity.ts';
import { passedNetns } from '../../../features/wire/whereabouts.ts';
import type { UnixStream } from '../../../net/unix/stream.ts';

/**
 * A descriptor travels on bytes before those of its call, so it is here by now or never; this is for peers that
 * do otherwise.
 */
const DESCRIPTOR_WAIT_MS = 1_000;

/** The descriptor of a namespace that came with a call; the caller closes it. Throws what `Descriptors.take` throws. */
export const takeNetns = (
  { descriptors }: Pick<UnixStream, 'descriptors'>,
  identity: FileIdentity,
  signal: AbortSignal,
): Promise<number> =>
  descriptors.take(identity, AbortSignal.any([signal, AbortSignal.timeout(DESCRIPTOR_WAIT_MS)]), 'namespace');

/** Whether the peer has passed a descriptor of this network namespace. */
export async function showsNetns(
  stream: Pick<UnixStream, 'descriptors'>,
  identity: FileIdentity,
  signal: AbortSignal,
): Promise<boolean> {
  let fd: number;
  try {
    fd = await takeNetns(stream, identity, signal);
  } catch {
    return false; // none came, or of something else
  }
  try {
    passedNetns(fd, 'descriptor');
    return true;
  } catch {
    return false; // a namespace of another type
  }
}
