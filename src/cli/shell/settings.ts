import { resolve } from 'node:path';
import { Failure } from '../../features/failure.ts';
import { type LogSetting, logLevels } from '../../log-levels.ts';
import { logSettingOf } from '../log-setting.ts';
import { type Flag, text, toggle } from './verb.ts';
import type { Given } from './given.ts';

/** What the flags common to all verbs say, checked once. */
export interface Settings {
  readonly instance: string;
  /** The folder with one folder per instance; absolute. */
  readonly runDir: string;
  readonly bpffs: string;
  readonly json: boolean;
  /** What was said of logging; null is nothing. */
  readonly log: LogSetting | null;
}

export const commonFlags: readonly Flag[] = [
  text('instance', 'NAME', "The agent's private world on this machine (default: default)"),
  toggle('json', 'Print JSON, errors included'),
  text(
    'log-level',
    'LEVEL[,SUBSYSTEM=LEVEL]..',
    `How much is logged: ${logLevels.join(', ')}; debug shows where an error came from (default: info for agent, warn otherwise)`,
    logLevels,
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
    log: level === null ? null : logSettingOf(level, 'log-level', `--log-level ${level}`),
  });
}
