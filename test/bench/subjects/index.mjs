// Who is compared, in the order of their turns. The first one is what the others are measured against.
import bareGso from './bare-gso.mjs';
import bare from './bare.mjs';
import bridge from './bridge.mjs';
import packetForward from './packet-forward.mjs';
import { tcPeer, tcRedirect } from './redirect.mjs';
import { testpmdPacket, testpmdXdp } from './testpmd.mjs';
import { vwireClsact, vwireTcx, vwireXdp } from './vwire.mjs';

export const subjects = [
  bare,
  vwireTcx,
  vwireClsact,
  vwireXdp,
  bareGso,
  tcPeer,
  tcRedirect,
  bridge,
  packetForward,
  testpmdPacket,
  testpmdXdp,
];
