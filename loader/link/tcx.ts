import { BpfError } from '../error.ts';
import { EINVAL } from '../errno.ts';
import { missingTcx } from '../features.ts';
import { Fd } from '../fd.ts';
import { ffi } from '../ffi/select.ts';
import { withArena } from '../memory.ts';
import type { BpfProgram } from '../program.ts';
import { bpf, Command } from '../syscall.ts';
import { AttachType, F, tcxLinkCreate, tcxQuery } from '../uapi.ts';
import { BpfLink } from './link.ts';

// libbpf has names for all this from 1.3; Debian 12 has 1.1.2. Hence bpf(2) itself.

export type Direction = 'ingress' | 'egress';

/** A neighbour in the chain: by handle, or by the id that queryTcx tells. */
export type TcxNeighbour =
  | { readonly link: BpfLink }
  | { readonly program: BpfProgram }
  | { readonly linkId: number }
  | { readonly programId: number };

export type TcxOrder =
  'first' | 'last' | { readonly before: TcxNeighbour } | { readonly after: TcxNeighbour };

const attachTypes = { ingress: AttachType.tcxIngress, egress: AttachType.tcxEgress } as const;

function neighbour(at: TcxNeighbour): { flags: number; relative: number } {
  if ('link' in at) return { flags: F.LINK, relative: at.link.fd };
  if ('program' in at) return { flags: 0, relative: at.program.fd };
  if ('linkId' in at) return { flags: F.LINK | F.ID, relative: at.linkId };
  return { flags: F.ID, relative: at.programId };
}

function placed(order: TcxOrder): { flags: number; relative: number } {
  if (order === 'first') return { flags: F.BEFORE, relative: 0 };
  if (order === 'last') return { flags: F.AFTER, relative: 0 };
  const before = 'before' in order;
  const { flags, relative } = neighbour(before ? order.before : order.after);
  return { flags: flags | (before ? F.BEFORE : F.AFTER), relative };
}

/**
 * Attaches at a device of the calling thread's namespace; the caller owns the link. `revision`, from
 * queryTcx, makes it fail with ESTALE if the chain has changed since.
 */
export function attachTcx(
  program: BpfProgram,
  ifindex: number,
  direction: Direction,
  order: TcxOrder = 'last',
  revision = 0n,
): BpfLink {
  const attr = tcxLinkCreate.encode({
    prog_fd: program.fd,
    target_ifindex: ifindex,
    attach_type: attachTypes[direction],
    expected_revision: revision,
    ...placed(order),
  });
  const result = bpf(Command.linkCreate, attr);
  const where = `ifindex ${ifindex} ${direction}`;
  if (result >= 0) return new BpfLink(new Fd(result, `tcx link at ${where}`));
  const feature = result === -EINVAL ? missingTcx() : null;
  throw new BpfError({ op: 'Attach by tcx', object: `${program.what} at ${where}`, errno: result, feature });
}

export interface TcxChain {
  /** In the order they run. linkId is 0 for a program attached without a link. */
  readonly entries: readonly { readonly programId: number; readonly linkId: number }[];
  /** Changes with every change of the chain. */
  readonly revision: bigint;
}

/** At most 64 programs fit a chain: BPF_MPROG_MAX. */
const most = 64;

export function queryTcx(ifindex: number, direction: Direction): TcxChain {
  return withArena((arena) => {
    const programs = arena.allocate(most * 4);
    const links = arena.allocate(most * 4);
    const attr = tcxQuery.encode({
      target_ifindex: ifindex,
      attach_type: attachTypes[direction],
      prog_ids: programs,
      link_ids: links,
      count: most,
    });
    const errno = bpf(Command.progQuery, attr);
    if (errno < 0) {
      const feature = errno === -EINVAL ? missingTcx() : null;
      throw new BpfError({ op: 'Query tcx', object: `at ifindex ${ifindex} ${direction}`, errno, feature });
    }
    const { count, revision } = tcxQuery.decode(attr);
    const programIds = ffi.read(programs, count * 4);
    const linkIds = ffi.read(links, count * 4);
    const entries = Array.from({ length: count }, (_, i) => ({
      programId: programIds.readUInt32LE(i * 4),
      linkId: linkIds.readUInt32LE(i * 4),
    }));
    return { entries, revision };
  });
}
