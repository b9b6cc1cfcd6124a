import * as libbpf from '../libbpf.ts';
import { BpfError } from '../error.ts';
import { EBUSY, EEXIST, EINVAL, ENOTSUPP, EOPNOTSUPP } from '../errno.ts';
import { Fd } from '../fd.ts';
import type { BpfProgram } from '../program.ts';
import { AttachType, linkCreateOpts } from '../uapi.ts';
import { BpfLink } from './link.ts';

export type XdpMode = 'native' | 'generic';

// XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE, <linux/if_link.h>
const modeFlags = { native: 4, generic: 2 } as const;

export interface XdpAttachment {
  /** The caller owns it. */
  readonly link: BpfLink;
  readonly mode: XdpMode;
  /** With 'auto': why it is not native; null when it is. */
  readonly nativeRefusal: BpfError | null;
}

function attach(program: BpfProgram, ifindex: number, mode: XdpMode): BpfLink | BpfError {
  const opts = linkCreateOpts.encode({ sz: BigInt(linkCreateOpts.size), flags: modeFlags[mode] });
  const result = libbpf.bpf_link_create(program.fd, ifindex, AttachType.xdp, opts);
  const where = `ifindex ${ifindex} (${mode})`;
  if (result >= 0) return new BpfLink(new Fd(result, `XDP link at ${where}`));
  let detail: string | null = null;
  if (result === -EBUSY || result === -EEXIST) detail = 'the device has an XDP program of another owner';
  const lacks = mode === 'native' && (result === -EOPNOTSUPP || result === -ENOTSUPP);
  const feature = lacks ? { name: 'native XDP in the driver of this device', since: null } : null;
  const object = `${program.what} at ${where}`;
  return new BpfError({ op: 'Attach by XDP', object, errno: result, detail, feature });
}

/** What a driver says that cannot run this program at this device as it is set up. */
const driverRefuses = (error: BpfError): boolean =>
  error.errno !== null && [EOPNOTSUPP, ENOTSUPP, EINVAL].includes(error.errno);

/**
 * Attaches at a device of the calling thread's namespace. 'auto' tries native and falls back to generic
 * only where the driver is the obstacle, never over somebody else's program.
 */
export function attachXdp(program: BpfProgram, ifindex: number, mode: XdpMode | 'auto'): XdpAttachment {
  const first = attach(program, ifindex, mode === 'auto' ? 'native' : mode);
  if (first instanceof BpfLink)
    return { link: first, mode: mode === 'auto' ? 'native' : mode, nativeRefusal: null };
  if (mode !== 'auto' || !driverRefuses(first)) throw first;
  const second = attach(program, ifindex, 'generic');
  if (second instanceof BpfLink) return { link: second, mode: 'generic', nativeRefusal: first };
  throw second;
}
