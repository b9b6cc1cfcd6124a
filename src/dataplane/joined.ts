import type { Datapath } from './datapath.ts';
import type { Port, Side } from './port.ts';

/** Two ports joined, as the dataplane needs them. */
export interface Joined {
  id: number;
  left: Port;
  right: Port;
  datapath: Datapath;
}

/** Enters the namespace of a side's pod for the time of a call. */
export type Enter = (side: Side, act: () => void) => void;
