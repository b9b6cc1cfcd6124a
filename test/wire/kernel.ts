import { missingTcx } from '../../loader/features.ts';
import { skipUnless } from '../skip.ts';

export const hasTcx = missingTcx() === null;

/** For tests that are about tcx. */
export const onTcx = skipUnless(hasTcx, 'tcx needs Linux 6.6');

/** A datapath that is not the one `auto` takes; xdp wants acceptNoOffload. */
export const otherDatapath: 'tcx' | 'xdp' = hasTcx ? 'tcx' : 'xdp';
