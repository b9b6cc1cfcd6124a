import { join } from 'node:path';
import type { AdminClient } from '../../api/admin/client.ts';
import { durationOf } from '../duration.ts';
import { Interrupted } from './exit.ts';
import { type Context, text } from './verb.ts';

export const timeoutFlag = text(
  'timeout',
  'TIME',
  'Give up after this long, such as 500ms or 1m (default: 30s)',
);

/**
 * Calls the agent of the instance and closes the connection whatever happens. Ctrl-C cancels the call,
 * which makes the agent undo what it was doing, and throws Interrupted.
 */
export async function withAgent<T>(
  { settings, given, io }: Context,
  call: (client: AdminClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // gRPC takes longer to load than most verbs take to run.
  const { AdminClient } = await import('../../api/admin/client.ts');
  const signal = io.until('SIGINT');
  const timeout = given.text('timeout');
  const client = new AdminClient({
    socketPath: join(settings.runDir, settings.instance, 'admin.sock'),
    instance: settings.instance,
    timeoutMs: timeout === null ? 30_000 : durationOf('timeout', timeout),
    signal,
  });
  try {
    return await call(client, signal);
  } catch (error) {
    throw signal.aborted ? new Interrupted() : error;
  } finally {
    client.close();
  }
}
