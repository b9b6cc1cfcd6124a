import { existsSync } from 'node:fs';
import { kernelEnum } from '../../loader/btf.ts';
import { missingTcx } from '../../loader/features.ts';
import { skipUnless } from '../skip.ts';

export const hasTcx = missingTcx() === null;

/** For tests that are about tcx. */
export const onTcx = skipUnless(hasTcx, 'tcx needs Linux 6.6');

/** A datapath that is not the one `auto` takes; xdp wants acceptNoOffload. */
export const otherDatapath: 'tcx' | 'xdp' = hasTcx ? 'tcx' : 'xdp';

const tellsReasons = existsSync('/sys/kernel/btf/vmlinux') && kernelEnum('skb_drop_reason').size > 0;

/** For tests of what the kernel drops after a redirect. */
export const observed = skipUnless(tellsReasons, 'drop reasons need Linux 5.17 with BTF');
