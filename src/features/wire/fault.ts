/**
 * Fault points, for tests of what a crash or a failure leaves behind. VWIRE_FAULT='POINT:kill' ends the
 * process there as SIGKILL would, 'POINT:throw' fails there. Unset, which is always but in tests, a
 * point costs one comparison.
 */
const [point, effect] = (process.env.VWIRE_FAULT ?? '').split(':');

/** In the order a wire meets them. Tests walk this list. */
export const faultPoints = [
  'recorded',
  'created left',
  'created right',
  'joined',
  'addressed left',
  'addressed right',
  'up',
  'opened',
  'ip added',
  'ip removed',
  'switched',
  'closing',
  'unruled',
  'deleting',
] as const;
export type FaultPoint = (typeof faultPoints)[number];

export function fault(here: FaultPoint): void {
  if (point !== here) return;
  if (effect === 'kill') process.kill(process.pid, 'SIGKILL');
  throw new Error(`Fault point '${here}'`);
}
