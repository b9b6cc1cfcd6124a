import { closeSync, statSync } from 'node:fs';
import type { FileIdentity } from '../../../file-identity.ts';
import { Failure } from '../../../features/failure.ts';
import type { Peer } from '../../../net/unix/peer.ts';
import { openSocketOf, seesOurFiles, socketFileOf } from '../../../net/unix/socket-file.ts';
import type { FileStatus } from '../../../net/unix/status.ts';
import type { Call, Caller } from '../grpc/services.ts';
import { type Address, addressOf, hostPort } from '../grpc/url.ts';
import { parseInodeUrl } from '../inode-url.ts';
import { hostOf, type Trust } from './caller.ts';
import { shown } from './check-record.ts';
import { descriptorWaitMs } from './limits.ts';
import type { Target, Targets } from './targets.ts';

const forms = 'unix:///PATH, inode://DEV/INODE with its descriptor, tcp://HOST:PORT';

const refusal = (
  code: 'invalid' | 'denied',
  url: string,
  problem: string,
  allowed: string,
  cause?: unknown,
): Failure =>
  new Failure(code, `Field 'url' is '${shown(url)}', ${problem}: allowed is ${allowed}`, {
    field: 'url',
    value: shown(url),
    allowed,
    cause,
  });

type Where = Address | ({ kind: 'inode' } & FileIdentity);

function whereOf(url: string): Where {
  const file = parseInodeUrl(url);
  if (file !== null) return { kind: 'inode', ...file };
  try {
    const address = addressOf(url);
    if (address.kind === 'unix' || address.port > 0) return address;
  } catch (error) {
    throw refusal('invalid', url, 'which nobody can be asked at', forms, error);
  }
  throw refusal('invalid', url, 'which has no port', forms);
}

export interface ReachOptions {
  targets: Targets;
  isTrusted: Trust;
  /** URLs where the agent itself listens now: an endpoint there would have it ask itself, without end. */
  own: () => readonly string[];
}

/**
 * Where the agent may go when an endpoint is asked. It is root and in the host's namespaces, so a workload may lead
 * it only to what the workload reaches by itself: a socket's file that it may connect to, found by its own eyes.
 */
export class Reach {
  readonly #targets: Targets;
  readonly #isTrusted: Trust;
  readonly #own: () => readonly Address[];

  constructor({ targets, isTrusted, own }: ReachOptions) {
    this.#targets = targets;
    this.#isTrusted = isTrusted;
    this.#own = () => own().map(addressOf);
  }

  /** The caller releases it. Throws Failure: `invalid`, `denied`, `timeout`. */
  async of(endpoint: string, url: string, { caller, signal }: Call): Promise<Target> {
    const where = whereOf(url);
    if (where.kind === 'tcp') return this.#tcp(url, where, caller);
    if (caller.kind === 'tcp')
      throw refusal('denied', url, 'a file that a caller over tcp does not show', 'tcp://HOST:PORT');
    if (where.kind === 'unix' && this.#isTrusted(caller) && seesOurFiles(caller.peer)) {
      this.#refuseOwnPath(url, where.path);
      return { url, release: () => undefined };
    }
    const opened =
      where.kind === 'unix'
        ? await this.#open(url, caller.peer, where.path, signal)
        : await this.#take(url, caller, where, signal);
    let file: FileStatus;
    try {
      file = this.#checked(url, opened, caller.peer);
    } catch (error) {
      closeSync(opened);
      throw error;
    }
    return this.#targets.hold(endpoint, opened, file);
  }

  #tcp(url: string, { host, port }: Address & { kind: 'tcp' }, caller: Caller): Target {
    const allowed = 'unix:///PATH or inode://DEV/INODE';
    if (!this.#isTrusted(caller)) {
      if (caller.kind === 'unix')
        throw refusal('denied', url, 'where only a trusted caller may have the agent connect', allowed);
      if (hostOf(caller) !== host)
        throw refusal(
          'denied',
          url,
          `not the caller's own address ${hostOf(caller)}`,
          `tcp://${hostPort(hostOf(caller), port)}`,
        );
    }
    const same = (name: string): string => (name === 'localhost' ? '127.0.0.1' : name);
    if (this.#own().some((own) => own.kind === 'tcp' && own.port === port && same(own.host) === same(host)))
      throw refusal('denied', url, 'where the agent itself listens', 'the address of an endpoint');
    return { url, release: () => undefined };
  }

  /** What is not there yet may come: it is dialled by its path. */
  #refuseOwnPath(url: string, path: string): void {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isSocket()) throw refusal('invalid', url, 'which is no socket', "a socket's path");
    this.#refuseOwn(url, { dev: found.dev, inode: found.ino });
  }

  async #open(url: string, peer: Peer, path: string, signal: AbortSignal): Promise<number> {
    if (peer.pid === 0)
      throw refusal(
        'denied',
        url,
        'a path of a process that cannot be seen from here',
        'inode://DEV/INODE with its descriptor',
      );
    try {
      return await openSocketOf(peer, path, signal);
    } catch (error) {
      if (signal.aborted) throw late(url, signal);
      throw refusal(
        'invalid',
        url,
        `which cannot be opened as the caller sees it: ${(error as Error).message}`,
        "a socket's path in its own file system",
        error,
      );
    }
  }

  async #take(
    url: string,
    { stream }: Caller & { kind: 'unix' },
    file: FileIdentity,
    signal: AbortSignal,
  ): Promise<number> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(descriptorWaitMs)]);
    try {
      return await stream.descriptors.take(file, patience, 'socket file');
    } catch (error) {
      if (signal.aborted) throw late(url, signal);
      if (error instanceof Error && 'code' in error && error.code === 'ENOTSOCK') throw noSocket(url);
      throw refusal(
        'invalid',
        url,
        'but no descriptor of that file came with the call (NSM processes pass none at log levels above INFO)',
        'a descriptor passed beside the call',
        error,
      );
    }
  }

  #checked(url: string, fd: number, peer: Peer): FileStatus {
    const file = socketFileOf(fd);
    if (file === null) throw noSocket(url);
    this.#refuseOwn(url, file);
    const may =
      peer.uid === 0 ||
      (file.mode & 0o002) !== 0 ||
      (file.uid === peer.uid && (file.mode & 0o200) !== 0) ||
      (file.gid === peer.gid && (file.mode & 0o020) !== 0);
    if (!may)
      throw refusal(
        'denied',
        url,
        `a socket of user ${file.uid} to which the caller, user ${peer.uid}, may not connect`,
        'a socket that the caller may connect to',
      );
    return file;
  }

  #refuseOwn(url: string, { dev, inode }: FileIdentity): void {
    for (const own of this.#own()) {
      if (own.kind !== 'unix') continue;
      const found = statSync(own.path, { throwIfNoEntry: false });
      if (found?.dev === dev && found.ino === inode)
        throw refusal('denied', url, 'where the agent itself listens', 'the socket of an endpoint');
    }
  }
}

const noSocket = (url: string): Failure =>
  refusal(
    'invalid',
    url,
    "whose descriptor is not of a socket's file",
    "a socket's file, opened with O_PATH",
  );

const late = (url: string, { reason }: AbortSignal): Failure =>
  reason instanceof Failure
    ? reason
    : new Failure('timeout', `Registering '${shown(url)}' was given up`, {
        field: 'url',
        value: shown(url),
        cause: reason,
      });
