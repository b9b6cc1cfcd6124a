import type { Attrs } from './attr.ts';

/** IFLA_XDP: which XDP program sits on a device, and how. */
export interface Xdp {
  readonly mode: 'native' | 'generic' | 'offloaded' | 'several';
  /** null when programs are attached in several modes. */
  readonly program: number | null;
}

const IFLA_XDP_ATTACHED = 2;
const IFLA_XDP_PROG_ID = 4;
const modes = [null, 'native', 'generic', 'offloaded', 'several'] as const;

/** null: no program. */
export function decodeXdp(attrs: Attrs): Xdp | null {
  const mode = modes[attrs.u8(IFLA_XDP_ATTACHED) ?? 0] ?? null;
  return mode === null ? null : { mode, program: attrs.u32(IFLA_XDP_PROG_ID) };
}
