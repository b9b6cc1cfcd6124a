import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { release as kernelRelease } from 'node:os';
import { join } from 'node:path';
import { ffi } from '../loader/ffi/select.ts';
import { missingTcx } from '../loader/features.ts';
import { type LogLevel, setLog } from '../loader/log.ts';
import { libbpfVersion } from '../loader/version.ts';
import type { AdminAgent, AgentStatus } from './api/admin/agent.ts';
import { adminSocketPath } from './api/admin/server.ts';
import { checkedTls, type Given } from './api/nsm/grpc/pem.ts';
import type { Tls } from './api/nsm/grpc/tls.ts';
import { startNsm, type Nsm } from './api/nsm/node.ts';
import { Dataplane } from './dataplane/dataplane.ts';
import { InstanceBusy, InstanceLock } from './dataplane/lock.ts';
import { emptyPins, makePinDirectories, pinPaths } from './dataplane/pins.ts';
import { View } from './dataplane/view.ts';
import { Failure } from './features/failure.ts';
import { adopt } from './features/wire/adopt.ts';
import { Follower } from './features/wire/follow.ts';
import { Reaper } from './features/wire/reaper.ts';
import { WireBook } from './features/wire/wires.ts';
import { ownNetns } from './net/netns.ts';
import { NetlinkSocket } from './net/socket.ts';
import { warmPool } from './net/within.ts';
import { systemClock } from './state/clock.ts';
import { currentNode, earlierNode, writeNode } from './state/node.ts';
import { WireFiles } from './state/wires.ts';
import type { LogLevels } from './log-levels.ts';
import { version } from './version.ts';

export interface AgentConfig {
  readonly instance: string;
  /** Mount point of a BPF file system, normally /sys/fs/bpf. */
  readonly bpffs: string;
  /** Normally /run/vwire; the instance's directory is made below. */
  readonly runDir: string;
  readonly logs: LogLevels;
  readonly allowHostNetns: boolean;
  /** How long a wire nobody asks for goes on forwarding, in ms. */
  readonly orphanGraceMs: number;
  /** More are refused; null is 65,536. Tables that exist already keep their size. */
  readonly maxWires: number | null;
  /** Where workloads and other agents ask: `unix:///PATH` or `tcp://ADDRESS:PORT`. */
  readonly listen: readonly string[];
  /** Users whose processes in the agent's own pid and user namespace may name any network namespace. */
  readonly trust: readonly number[];
  /** How long interfaces outlive their endpoint, waiting for another, in ms. */
  readonly healGraceMs: number;
  /** More are refused; null is as many as wires. */
  readonly maxConnections: number | null;
  /** Of clients in one network namespace. */
  readonly maxConnectionsPerNetns: number;
  /** PEM files for `tcp://`; `ca` is whose certificates callers must show. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string } | null;
}

export interface Agent extends AdminAgent {
  /** Where workloads ask. */
  readonly urls: readonly string[];
  /** Ends the agent, once calls at work are over, `graceMs` (5,000) at most. Wires stay and go on forwarding. */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Starts an agent: takes the instance's lock, finds or loads what is in the kernel, adopts the wires of
 * an earlier agent. Acts in the calling process's network namespace. The caller stops it.
 */
export async function startAgent(config: AgentConfig): Promise<Agent> {
  const { instance, logs } = config;
  const log = logs.of('wire');
  const tls = config.tls === null ? null : readTls(config.tls);
  warmPool();
  const directory = join(config.runDir, instance);
  const pins = pinPaths(config.bpffs, instance);
  makePinDirectories(pins);
  const release: (() => void)[] = [hearLibbpf(logs)];
  try {
    const lock = takeLock(instance, directory, pins.instance);
    release.push(() => {
      lock.release();
    });
    refuseForeignState(config, directory);
    const dataplane = Dataplane.open(config);
    release.push(() => {
      dataplane.close();
    });
    const host = NetlinkSocket.open();
    release.push(() => {
      host.close();
    });
    const reaper = new Reaper(host, instance);
    const shop = { instance, host, dataplane, files: new WireFiles(directory), reaper };
    writeNode(directory, currentNode());
    const surroundings = {
      instance,
      own: ownNetns(),
      allowHostNetns: config.allowHostNetns,
      maxWires: config.maxWires ?? 65536,
      tcx: missingTcx() === null,
    };
    const book = new WireBook(shop, new View(dataplane.tables), surroundings, log);
    const forgetGraces = await adopt({
      book,
      shop,
      instanceDirectory: directory,
      orphanGraceMs: config.orphanGraceMs,
      log,
    });
    release.push(forgetGraces);
    const follower = new Follower(book, shop, log);
    release.push(() => {
      follower.close();
    });
    const nsm = await startWorkloads(config, tls, directory, book);
    const since = new Date().toISOString();
    return {
      wires: book,
      connections: nsm.connections,
      endpoints: nsm.endpoints,
      services: nsm.services,
      urls: nsm.urls,
      logs,
      status: () => status(config, since, dataplane, surroundings.tcx),
      async stop(graceMs = 5_000) {
        await nsm.close(graceMs);
        await reaper.idle();
        for (const step of release.splice(0).reverse()) step();
      },
    };
  } catch (error) {
    for (const step of release.reverse()) step();
    throw error;
  }
}

/** Manager, registry and forwarder for the workloads of this machine. */
function startWorkloads(
  config: AgentConfig,
  tls: Tls | null,
  instanceDirectory: string,
  wires: WireBook,
): Promise<Nsm> {
  const { instance, logs } = config;
  return startNsm({
    name: instance === 'default' ? 'vwire' : `vwire-${instance}`,
    instanceDirectory,
    wires,
    clock: systemClock,
    log: logs.of('nsm'),
    registryLog: logs.of('registry'),
    listen: config.listen,
    tls,
    adminUrl: `unix://${adminSocketPath(config.runDir, instance)}`,
    trust: config.trust,
    healGraceMs: config.healGraceMs,
    maxConnections: config.maxConnections ?? config.maxWires ?? 65536,
    maxConnectionsPerNetns: config.maxConnectionsPerNetns,
  });
}

function readTls({ cert, key, ca }: NonNullable<AgentConfig['tls']>): Tls {
  const read = (field: string, path: string): Given => {
    try {
      return { field, file: path, pem: readFileSync(path) };
    } catch (cause) {
      throw new Failure(
        'invalid',
        `${field} is '${path}', which cannot be read: ${(cause as Error).message}`,
        {
          field,
          value: path,
          allowed: 'a PEM file',
          cause,
        },
      );
    }
  };
  return checkedTls({ cert: read('tls-cert', cert), key: read('tls-key', key), ca: read('tls-ca', ca) });
}

/** libbpf says hundreds of things a load, so that it is asked for no more than is logged. */
function hearLibbpf(logs: LogLevels): () => void {
  const listen = (): void => {
    const logger = logs.of('libbpf');
    const levels: readonly LogLevel[] = ['debug', 'info'];
    const least = levels.find((level) => logger.isLevelEnabled(level));
    setLog((level, text) => {
      logger[level](text);
    }, least ?? 'warn');
  };
  listen();
  return logs.subscribe(listen);
}

function takeLock(instance: string, directory: string, pins: string): InstanceLock {
  try {
    return InstanceLock.take(instance, directory, pins);
  } catch (error) {
    if (!(error instanceof InstanceBusy)) throw error;
    throw new Failure('refused', error.message, {
      field: 'instance',
      value: instance,
      allowed: 'an instance that no agent runs',
      cause: error,
    });
  }
}

/** State of another boot or namespace means nothing here: it is reported, and what is ours of it removed. */
function refuseForeignState(config: AgentConfig, directory: string): void {
  mkdirSync(join(directory, 'state'), { recursive: true, mode: 0o700 });
  const earlier = earlierNode(directory, currentNode());
  if (typeof earlier === 'string') return;
  config.logs
    .of('agent')
    .warn({ directory }, `State is of ${earlier.differs}: nothing is adopted, pins and files are removed`);
  rmSync(join(directory, 'state'), { recursive: true });
  mkdirSync(join(directory, 'state'), { mode: 0o700 });
  const pins = pinPaths(config.bpffs, config.instance);
  emptyPins(pins);
  makePinDirectories(pins);
}

function status(config: AgentConfig, since: string, dataplane: Dataplane, tcx: boolean): AgentStatus {
  const { losses } = dataplane;
  return {
    version: version(),
    instance: config.instance,
    pid: process.pid,
    since,
    ffi: ffi.name,
    libbpf: libbpfVersion(),
    kernel: kernelRelease(),
    features: {
      tcx: tcx ? 'available' : 'missing before Linux 6.6, clsact is used',
      'losses after a redirect': losses.observed
        ? 'observed'
        : `not observable on this kernel: ${losses.why}`,
    },
  };
}
