import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Attachments, placeOf } from './attach.ts';
import type { Datapath } from './datapath.ts';
import { pinPaths } from './pins.ts';
import type { Side } from './port.ts';

interface Where {
  bpffs: string;
  instance: string;
}

/** Id of our program at a host device, null for none. Needs no agent; changes nothing. */
export function isAttached(
  { bpffs, instance }: Where,
  datapath: Datapath,
  ifindex: number,
  wire: number,
  side: Side,
): number | null {
  const attachments = new Attachments(pinPaths(bpffs, instance).links, instance);
  try {
    return attachments.programAt(placeOf({ id: wire, datapath }, side, { ifindex, made: true }));
  } finally {
    attachments.close();
  }
}

/** Whether the program that hears of lost packets is there. */
export function lossesObserved({ bpffs, instance }: Where): boolean {
  return existsSync(join(pinPaths(bpffs, instance).links, 'lost'));
}
