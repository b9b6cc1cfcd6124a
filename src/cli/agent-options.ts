import { join, resolve } from 'node:path';
import { z } from 'zod';
import { Failure } from '../features/failure.ts';
import type { LogSetting } from '../log-levels.ts';
import { durationOf } from './duration.ts';
import { isLoopback, listenUrlOf } from './listen-url.ts';
import type { Given } from './shell/given.ts';
import type { Settings } from './shell/settings.ts';

/** PEM files for `tcp://`; absolute. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Callers must show a certificate of it. */
  readonly ca: string;
}

/** All an agent is told, read once before anything starts. */
export interface AgentOptions {
  readonly instance: string;
  readonly bpffs: string;
  readonly runDir: string;
  readonly log: LogSetting;
  readonly allowHostNetns: boolean;
  readonly orphanGraceMs: number;
  readonly maxWires: number | null;
  readonly readyFile: string | null;
  /** `unix:///PATH` or `tcp://ADDRESS:PORT`, at least one. */
  readonly listen: readonly string[];
  /** Users whose processes in the agent's own pid and user namespace may name any network namespace. */
  readonly trust: readonly number[];
  /** How long interfaces outlive their endpoint, waiting for another. */
  readonly healGraceMs: number;
  readonly maxConnections: number | null;
  /** Of clients in one network namespace. */
  readonly maxConnectionsPerNetns: number;
  readonly tls: TlsFiles | null;
}

const most = 1_000_000;
const maxUid = 0xfffffffe;

const upTo = (limit: number, least: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .pipe(z.number().min(least).max(limit));
const file = z.string().transform((path) => resolve(path));

const typed = z.object({
  'orphan-grace': z.string().transform((text) => durationOf('orphan-grace', text)),
  'heal-grace': z.string().transform((text) => durationOf('heal-grace', text)),
  'max-wires': upTo(most, 1).nullable(),
  'max-connections': upTo(most, 1).nullable(),
  'max-connections-per-netns': upTo(most, 1),
  trust: z.array(upTo(maxUid, 0)),
  listen: z.array(z.string().transform(listenUrlOf)),
  'ready-file': file.nullable(),
  'tls-cert': file.nullable(),
  'tls-key': file.nullable(),
  'tls-ca': file.nullable(),
});

const count = `a whole number from 1 to ${most}`;
const allowed: Readonly<Record<string, string>> = {
  'max-wires': count,
  'max-connections': count,
  'max-connections-per-netns': count,
  trust: `the number of a user, from 0 to ${maxUid}`,
};

function outOfRange(issue: z.core.$ZodIssue | undefined, given: Given): Failure {
  const [name, at] = issue?.path ?? [];
  const field = String(name ?? '');
  const value = given.texts(field)[typeof at === 'number' ? at : 0] ?? '';
  const takes = allowed[field] ?? 'another value';
  return new Failure('invalid', `'--${field} ${value}' is out of range: it takes ${takes}`, {
    field,
    value,
    allowed: takes,
  });
}

function tlsOf(
  cert: string | null,
  key: string | null,
  ca: string | null,
  listen: readonly string[],
): TlsFiles | null {
  if (cert === null && key === null && ca === null) return null;
  if (cert === null || key === null || ca === null) {
    const field = cert === null ? 'tls-cert' : key === null ? 'tls-key' : 'tls-ca';
    throw new Failure(
      'invalid',
      `'--${field}' is missing: TLS takes '--tls-cert', '--tls-key' and, for those who call, '--tls-ca'`,
      { field, allowed: 'a PEM file' },
    );
  }
  if (!listen.some((url) => url.startsWith('tcp://')))
    throw new Failure(
      'invalid',
      `'--tls-cert ${cert}' has nothing to serve: give a '--listen tcp://ADDRESS:PORT'`,
      {
        field: 'tls-cert',
        value: cert,
        allowed: "together with '--listen tcp://ADDRESS:PORT'",
      },
    );
  return { cert, key, ca };
}

function refusePlainTcp(listen: readonly string[], tls: TlsFiles | null): void {
  const open = tls === null ? listen.find((url) => !isLoopback(url)) : undefined;
  if (open === undefined) return;
  throw new Failure(
    'invalid',
    `'--listen ${open}' would let everybody on the network in: beyond this machine it takes '--tls-cert', '--tls-key' and '--tls-ca'`,
    { field: 'listen', value: open, allowed: 'an address of this machine alone, such as 127.0.0.1, or TLS' },
  );
}

/** The workload socket lies in a folder of its own, so that this can be mounted into pods and no more. */
const workloadSocket = ({ runDir, instance }: Settings): string =>
  `unix://${join(runDir, instance, 'workload', 'agent.sock')}`;

export function agentOptionsOf(given: Given, settings: Settings): AgentOptions {
  const listen = given.texts('listen');
  const read = typed.safeParse({
    'orphan-grace': given.text('orphan-grace') ?? '60s',
    'heal-grace': given.text('heal-grace') ?? '30s',
    'max-wires': given.text('max-wires'),
    'max-connections': given.text('max-connections'),
    'max-connections-per-netns': given.text('max-connections-per-netns') ?? '1000',
    trust: given.texts('trust'),
    listen: listen.length === 0 ? [workloadSocket(settings)] : listen,
    'ready-file': given.text('ready-file'),
    'tls-cert': given.text('tls-cert'),
    'tls-key': given.text('tls-key'),
    'tls-ca': given.text('tls-ca'),
  });
  if (!read.success) throw outOfRange(read.error.issues[0], given);
  const said = read.data;
  const tls = tlsOf(said['tls-cert'], said['tls-key'], said['tls-ca'], said.listen);
  refusePlainTcp(said.listen, tls);
  return Object.freeze({
    instance: settings.instance,
    bpffs: settings.bpffs,
    runDir: settings.runDir,
    log: { all: settings.log?.all ?? 'info', of: settings.log?.of ?? {} },
    allowHostNetns: given.on('allow-host-netns'),
    orphanGraceMs: said['orphan-grace'],
    maxWires: said['max-wires'],
    readyFile: said['ready-file'],
    listen: said.listen,
    trust: said.trust,
    healGraceMs: said['heal-grace'],
    maxConnections: said['max-connections'],
    maxConnectionsPerNetns: said['max-connections-per-netns'],
    tls,
  });
}
