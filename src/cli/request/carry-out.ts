import { join } from 'node:path';
import { defaultDialTimeoutMs } from '../../api/nsm/grpc/limits.ts';
import { requestMs } from '../../client/limits.ts';
import { durationOf } from '../duration.ts';
import { requestedJson } from '../output/json.ts';
import { printable } from '../output/style.ts';
import { Interrupted, exitCodes } from '../shell/exit.ts';
import type { Context } from '../shell/verb.ts';
import { holdUntil } from './hold.ts';
import { nsmEnvOf } from './nsm-env.ts';
import { obtain } from './obtain.ts';
import { wantedOf } from './wanted.ts';

/** Init containers start before endpoints do, and endpoints may have an image to fetch. */
const patientMs = 300_000;

function agentOf({ given, settings }: Context, connectTo: string | null): string {
  const named = given.text('instance') !== null || given.text('run-dir') !== null;
  if (connectTo !== null && !named) return connectTo;
  return `unix://${join(settings.runDir, settings.instance, 'workload', 'agent.sock')}`;
}

/** `vwire request`; settles with the exit code. */
export async function carryOut(context: Context): Promise<number> {
  const { given, settings, io, sources } = context;
  const nsm = nsmEnvOf(io.env);
  const wanted = await wantedOf(given, nsm, io);
  const timeout = given.text('timeout');
  const typedMs = timeout === null ? null : durationOf('timeout', timeout);
  const many = given.positionals.length === 0;
  const oneMs = nsm.requestTimeoutMs ?? requestMs;
  const totalMs = many ? (typedMs ?? patientMs) : null;
  const signal = io.until('SIGINT', 'SIGTERM');
  const level = settings.log?.all ?? nsm.log ?? 'warn';
  const loud = !['error', 'fatal', 'silent'].includes(level);
  const requester = await sources
    .connect({
      agent: agentOf(context, nsm.connectTo),
      name: nsm.name,
      waitMs: totalMs ?? 0,
      dialTimeoutMs: Math.max(1, Math.min(nsm.dialTimeoutMs ?? defaultDialTimeoutMs, typedMs ?? Infinity)),
      keep: given.on('hold'),
      signal,
    })
    .catch((error: unknown) => {
      throw signal.aborted ? new Interrupted() : error;
    });
  let said = '';
  try {
    const granted = await obtain(requester, wanted, {
      attemptMs: many ? oneMs : (typedMs ?? oneMs),
      totalMs,
      signal,
      onFailed: ({ service }, { message }) => {
        const line = `vwire: ${printable(service)}: ${printable(message)}; trying again\n`;
        if (loud && line !== said) io.err(line);
        said = line;
      },
    });
    for (const each of granted) io.out(settings.json ? requestedJson(each) : `${printable(each.id)}\n`);
    if (!given.on('hold')) return exitCodes.ok;
    await holdUntil(granted, { json: settings.json, io, signal });
    return signal.reason === 'SIGTERM' ? exitCodes.ok : exitCodes.interrupted;
  } catch (error) {
    throw signal.aborted ? new Interrupted() : error;
  } finally {
    await requester.leave();
  }
}
