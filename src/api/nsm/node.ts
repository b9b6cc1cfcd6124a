import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Connections, Endpoints, Services } from '../../features/connection/api.ts';
import type { Wires } from '../../features/wire/api.ts';
import { netnsLives } from '../../features/wire/whereabouts.ts';
import type { Clock } from '../../state/clock.ts';
import { ConnectionFiles } from '../../state/connections.ts';
import { EndpointFiles } from '../../state/endpoints.ts';
import { FarewellFiles } from '../../state/farewells.ts';
import { readEndpointRecords, readFarewellRecords } from '../../state/view.ts';
import { adoptConnections } from './adopt.ts';
import { Authority } from './chain/authority.ts';
import { tellEnd } from './chain/connect.ts';
import { Lifetimes } from './chain/timeout.ts';
import { ConnectionBook } from './connections/book.ts';
import { directoryOf, hostedRegistryOf } from './directory.ts';
import { Farewells } from './farewells.ts';
import { forwarder } from './forwarder.ts';
import { serveNsm, type NsmServer } from './grpc/server.ts';
import type { Caller } from './grpc/services.ts';
import type { Tls } from './grpc/tls.ts';
import { Healer } from './heal.ts';
import { HostedEndpoints } from './hosted.ts';
import { Links } from './links.ts';
import { Manager } from './manager.ts';
import { monitorConnections } from './monitor.ts';
import { Reach } from './registry/reach.ts';
import { agentOwner } from './registry/registrant.ts';
import { Registry } from './registry/registry.ts';
import { ServiceBook } from './registry/service-book.ts';
import { keptServices } from './registry/service-files.ts';
import { RegistryStore } from './registry/store.ts';
import { Targets } from './registry/targets.ts';

export interface NsmConfig {
  /** What this process is called in every path; the same after a restart. */
  readonly name: string;
  readonly instanceDirectory: string;
  readonly wires: Wires;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registryLog: Logger;
  /** `unix:///PATH` or `tcp://ADDRESS:PORT`. */
  readonly listen: readonly string[];
  readonly tls: Tls | null;
  /** Where people ask, and no endpoint may be. */
  readonly adminUrl: string;
  readonly trust: readonly number[];
  /** How long a connection without its endpoint keeps its interfaces, in ms. */
  readonly healGraceMs: number;
  readonly maxConnections: number;
  /** Of clients in one network namespace. */
  readonly maxConnectionsPerNetns: number;
}

/** Manager, registry and forwarder of one machine. */
export interface Nsm {
  readonly connections: Connections;
  readonly endpoints: Endpoints;
  readonly services: Services;
  /** Where it listens. */
  readonly urls: readonly string[];
  /** Takes no more calls, and waits for those at work, `graceMs` at most. Connections stay and go on forwarding. */
  close(graceMs: number): Promise<void>;
}

/** Starts it: takes up the connections of an earlier agent, then listens. The caller closes it. */
export async function startNsm(config: NsmConfig): Promise<Nsm> {
  const { name, instanceDirectory, wires, clock, log } = config;
  const book = new ConnectionBook({
    files: new ConnectionFiles(instanceDirectory),
    clock,
    log,
    maxConnections: config.maxConnections,
    maxPerNetns: config.maxConnectionsPerNetns,
  });
  const authority = new Authority(config.trust);
  const lifetimes = new Lifetimes(book, clock);
  const { unreadable: unreadableServices, ...kept } = keptServices(instanceDirectory);
  const store = new RegistryStore({ clock, ...kept });
  const of = (endpoint: string): number =>
    book.all().filter(({ record }) => record.endpoint === endpoint).length;
  const hosted = new HostedEndpoints({
    files: new EndpointFiles(instanceDirectory),
    registry: hostedRegistryOf(store, of),
    log: config.registryLog,
    onGone: (endpoint, why) => {
      healer.endpointGone(endpoint, why);
    },
    onNews: (endpoint, connection) => healer.endpointNews(endpoint, connection, false),
  });
  const links = new Links({
    name,
    clock,
    log,
    hosted,
    onGone: (endpoint, why) => {
      healer.endpointGone(endpoint, why);
    },
    onNews: (endpoint, connection, deleted) => {
      void healer.endpointNews(endpoint, connection, deleted);
    },
  });
  let server: NsmServer | null = null;
  const isTrusted = (caller: Caller): boolean => authority.isTrusted(caller);
  const reach = new Reach({
    targets: new Targets(join(instanceDirectory, 'targets')),
    isTrusted,
    own: () => [...(server?.urls ?? config.listen), config.adminUrl],
  });
  const registry = new Registry({ store, reach, isTrusted, log: config.registryLog });
  const chain = forwarder({
    name,
    book,
    wires,
    directory: directoryOf(store),
    links,
    authority,
    lifetimes,
    clock,
    log,
  });
  const manager = new Manager(chain, book, log);
  const healer = new Healer({
    name,
    book,
    manager,
    wires,
    clock,
    log,
    graceMs: config.healGraceMs,
    netnsLives,
  });
  const farewells = new Farewells({
    clock,
    log,
    files: new FarewellFiles(instanceDirectory),
    isKnown: (id) => book.get(id) !== null,
    tell: (endpoint, connection) => tellEnd(endpoint, links, { id: connection.id, connection }, log),
  });
  const ended = new AbortController();
  const back = (endpoint: string): void => {
    const target = store.endpoints.get(endpoint)?.target ?? '';
    if (target !== '') {
      links.registered({ name: endpoint, target });
      void farewells.tell({ name: endpoint, target });
    }
    healer.endpointBack(endpoint);
  };
  void returning(store, back, config.registryLog, ended.signal);
  const stop = (): void => {
    ended.abort();
    farewells.close();
    healer.close();
    lifetimes.close();
    links.close();
    store.close();
  };
  try {
    const { records, unreadable } = readEndpointRecords(instanceDirectory);
    for (const { file, problem } of [...unreadable, ...unreadableServices])
      log.error({ file, problem }, 'State file cannot be read and is left alone');
    hosted.adopt(records);
    adoptFarewells(instanceDirectory, farewells, log);
    await adoptConnections({
      directory: instanceDirectory,
      book,
      wires,
      links,
      lifetimes,
      healer,
      hosted,
      farewells,
      log,
    });
    server = await serveNsm(
      {
        request: (request, call) => manager.request(request, call),
        close: (connection, call) => manager.closeFor(connection, call),
        monitor: (selector, call) => monitorConnections(selector, call, book, authority),
        registerService: (service, call) => registry.registerService(service, call),
        unregisterService: (service, call) => registry.unregisterService(service, call),
        findServices: (query, call) => registry.findServices(query, call),
        registerEndpoint: (endpoint, call) => registry.registerEndpoint(endpoint, call),
        unregisterEndpoint: (endpoint, call) => registry.unregisterEndpoint(endpoint, call),
        findEndpoints: (query, call) => registry.findEndpoints(query, call),
      },
      { listen: config.listen, tls: config.tls, log, clock },
    );
  } catch (error) {
    stop();
    throw error;
  }
  return {
    connections: manager,
    endpoints: hosted,
    services: new ServiceBook(store.services),
    urls: server.urls,
    async close(graceMs) {
      await server.close(graceMs);
      stop();
    },
  };
}

/** Before the connections: those that are still being closed may have one. */
function adoptFarewells(instanceDirectory: string, farewells: Farewells, log: Logger): void {
  const { records, unreadable } = readFarewellRecords(instanceDirectory);
  const told = farewells
    .adopt(records)
    .map(({ record: { id, endpoint }, problem }) => ({ conn: id, endpoint, problem }));
  for (const which of [...unreadable, ...told])
    log.error({ ...which }, 'State file cannot be read and is left alone');
}

/** Tells of every endpoint that registers, and of all that are there where it fell behind. */
async function returning(
  store: RegistryStore,
  back: (endpoint: string) => void,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const everything = { name: '', fits: () => true, owner: agentOwner, signal };
  while (!signal.aborted) {
    try {
      for await (const { record, deleted } of store.endpoints.watch(everything))
        if (!deleted) back(record.name);
      return;
    } catch (error) {
      log.warn({ reason: String(error) }, 'registrations were missed: all endpoints are looked at anew');
    }
  }
}
