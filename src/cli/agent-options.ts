import { resolve } from 'node:path';
import { z } from 'zod';
import { Failure } from '../features/failure.ts';
import { durationOf } from './duration.ts';
import type { Given } from './shell/given.ts';
import type { LogLevel, Settings } from './shell/settings.ts';

/** All an agent is told, read once before anything starts. */
export interface AgentOptions {
  readonly instance: string;
  readonly bpffs: string;
  readonly runDir: string;
  readonly logLevel: LogLevel;
  readonly allowHostNetns: boolean;
  readonly orphanGraceMs: number;
  readonly maxWires: number | null;
  readonly readyFile: string | null;
}

const most = 1_000_000;

const typed = z.object({
  'orphan-grace': z.string().transform((text) => durationOf('orphan-grace', text)),
  'max-wires': z
    .string()
    .regex(/^\d{1,7}$/)
    .transform(Number)
    .pipe(z.number().min(1).max(most))
    .nullable(),
  'ready-file': z
    .string()
    .transform((path) => resolve(path))
    .nullable(),
});

const allowed: Readonly<Record<string, string>> = { 'max-wires': `a whole number from 1 to ${most}` };

export function agentOptionsOf(given: Given, settings: Settings): AgentOptions {
  const texts = {
    'orphan-grace': given.text('orphan-grace') ?? '60s',
    'max-wires': given.text('max-wires'),
    'ready-file': given.text('ready-file'),
  };
  const read = typed.safeParse(texts);
  if (!read.success) {
    const field = String(read.error.issues[0]?.path[0] ?? '');
    const value = given.text(field) ?? '';
    const takes = allowed[field] ?? 'another value';
    throw new Failure('invalid', `'--${field} ${value}' is out of range: it takes ${takes}`, {
      field,
      value,
      allowed: takes,
    });
  }
  return Object.freeze({
    instance: settings.instance,
    bpffs: settings.bpffs,
    runDir: settings.runDir,
    logLevel: settings.logLevel ?? 'info',
    allowHostNetns: given.on('allow-host-netns'),
    orphanGraceMs: read.data['orphan-grace'],
    maxWires: read.data['max-wires'],
    readyFile: read.data['ready-file'],
  });
}
