import type { Server } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { Failure } from '../../../features/failure.ts';
import type { Callers } from './callers.ts';
import type { Gate } from './gate.ts';
import type { Limits } from './limits.ts';

/** What every listener of one server shares. */
export interface Place {
  server: Server;
  gate: Gate;
  callers: Callers;
  limits: Limits;
  log: Logger;
}

export interface Listener {
  readonly url: string;
  readonly connections: number;
  /** Takes no more connections; settles when the last one has ended. */
  close(): Promise<void>;
  /** Ends what is open at once. */
  cut(): void;
}

export const cannotListen = (url: string, cause: unknown): Failure =>
  new Failure(
    'refused',
    `Cannot listen on '${url}': ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      field: 'listen',
      value: url,
      cause,
    },
  );

/** Of the same thing again and again only the first, second, fourth, eighth, ... is worth a line. */
export function sparingly(log: Logger, message: string): (about: Readonly<Record<string, unknown>>) => void {
  let times = 0;
  return (about) => {
    times++;
    if ((times & (times - 1)) === 0) log.warn({ ...about, times }, message);
  };
}
