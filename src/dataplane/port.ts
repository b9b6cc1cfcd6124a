import type { FileIdentity } from '../file-identity.ts';

export type Side = 'left' | 'right';
export const sides = ['left', 'right'] as const;
export const farSide = (side: Side): Side => (side === 'left' ? 'right' : 'left');

/** Where frames enter or leave. Devices exist, and are down while a wire is being joined. */
export interface Port {
  readonly kind: 'veth' | 'nic';
  /** The device in the agent's namespace, where programs attach. */
  readonly ifindex: number;
  readonly name: string;
  /** MAC of the far end of the veth (the pod's), or of the NIC itself: 6 bytes. */
  readonly mac: Buffer;
  /** A device we made has no other owner; on any other a missing hop means "next program". */
  readonly made: boolean;
  /** The other end of a veth; null for a NIC. `own`: it is in the agent's namespace too. */
  readonly pod: { readonly netns: FileIdentity; readonly ifindex: number; readonly own: boolean } | null;
}
