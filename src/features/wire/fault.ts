import { faultAt } from '../../fault.ts';

/** Where one side is put elsewhere. */
export const movePoints = ['leaving', 'left', 'remade', 'moved'] as const;

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
  ...movePoints,
  'closing',
  'unruled',
  'deleting',
] as const;
export type FaultPoint = (typeof faultPoints)[number];

/** See src/fault.ts. */
export const fault = (here: FaultPoint): void => {
  faultAt(here);
};
