import { resolve } from 'node:path';
import { Failure } from '../../features/failure.ts';
import { type Flag, choice, text, toggle } from './verb.ts';
import type { Given } from './given.ts';

/** What the flags common to all verbs say, checked once. */
export interface Settings {
  readonly instance: string;
  /** The folder with one folder per instance; absolute. */
  readonly runDir: string;
  readonly bpffs: string;
  readonly json: boolean;
  /** Null takes the verb's own: `info` for the agent, `warn` for the rest. */
  readonly logLevel: LogLevel | null;
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const commonFlags: readonly Flag[] = [
  text('instance', 'NAME', "The agent's private world on this machine (default: default)"),
  toggle('json', 'Print JSON, errors included'),
  choice(
    'log-level',
    'LEVEL',
    logLevels,
    'How much is logged; debug shows where an error came from (default: info for agent, warn otherwise)',
  ),
  text('run-dir', 'DIR', 'Where sockets and state files are (default: /run/vwire)', 'directory'),
  text('bpffs', 'DIR', 'Where the BPF file system is mounted (default: /sys/fs/bpf)', 'directory'),
];

const instances = 'letters, digits, - and _, at most 64 of them';

export function settingsOf(given: Given): Settings {
  const instance = given.text('instance') ?? 'default';
  // bpffs refuses a dot in a name, and the instance is a folder there.
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(instance))
    throw new Failure('invalid', `'${instance}' is not a name for an instance: it takes ${instances}`, {
      field: 'instance',
      value: instance,
      allowed: instances,
    });
  const level = given.text('log-level');
  return Object.freeze({
    instance,
    runDir: resolve(given.text('run-dir') ?? '/run/vwire'),
    bpffs: resolve(given.text('bpffs') ?? '/sys/fs/bpf'),
    json: given.on('json'),
    logLevel: logLevels.find((known) => known === level) ?? null,
  });
}
