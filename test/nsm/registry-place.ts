import { once } from 'node:events';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { NsmClient } from '../../src/api/nsm/grpc/client.ts';
import { formatInodeUrl } from '../../src/api/nsm/inode-url.ts';
import type { NetworkServiceEndpoint } from '../../src/api/nsm/proto/registry_pb.ts';
import type { Trust } from '../../src/api/nsm/registry/caller.ts';
import { Reach } from '../../src/api/nsm/registry/reach.ts';
import { Registry } from '../../src/api/nsm/registry/registry.ts';
import { RegistryStore } from '../../src/api/nsm/registry/store.ts';
import { Targets } from '../../src/api/nsm/registry/targets.ts';
import { FakeClock } from '../fake/clock.ts';
import { countFds } from '../fds.ts';
import { NsmPlace } from './place.ts';
import { endpoint } from './records.ts';

const O_PATH = 0o10000000;

/** Endpoint `e` of service `a` at this URL. */
export const at = (url: string, name = 'e'): NetworkServiceEndpoint => endpoint(name, {}, { url });

/** A registry on a unix socket and on tcp, and sockets that endpoints may have. Closed by who opened it. */
export class RegistryPlace {
  readonly clock: FakeClock;
  readonly store: RegistryStore;
  readonly targets: Targets;
  readonly place: NsmPlace;
  readonly tcp: NsmClient;
  readonly #folder: string;
  readonly #sockets: Server[] = [];

  private constructor(
    clock: FakeClock,
    store: RegistryStore,
    { targets, folder }: { targets: Targets; folder: string },
    place: NsmPlace,
  ) {
    this.clock = clock;
    this.store = store;
    this.targets = targets;
    this.#folder = folder;
    this.place = place;
    this.tcp = new NsmClient({ url: place.server.urls[1] ?? '' });
  }

  static async open(isTrusted: Trust): Promise<RegistryPlace> {
    const clock = new FakeClock(Date.now());
    const store = new RegistryStore({ clock });
    const folder = mkdtempSync(join(tmpdir(), 'vwire-targets-'));
    const targets = new Targets(folder);
    let urls: readonly string[] = [];
    const reach = new Reach({ targets, isTrusted, own: () => urls });
    const registry = new Registry({ store, reach, isTrusted, log: pino({ level: 'silent' }) });
    const place = await NsmPlace.open(
      {
        registerService: (message, call) => registry.registerService(message, call),
        unregisterService: (message, call) => registry.unregisterService(message, call),
        findServices: (message, call) => registry.findServices(message, call),
        registerEndpoint: (message, call) => registry.registerEndpoint(message, call),
        unregisterEndpoint: (message, call) => registry.unregisterEndpoint(message, call),
        findEndpoints: (message, call) => registry.findEndpoints(message, call),
      },
      {},
      ['tcp://127.0.0.1:0'],
    );
    ({ urls } = place.server);
    return new RegistryPlace(clock, store, { targets, folder }, place);
  }

  get client(): NsmClient {
    return this.place.client;
  }

  path(name: string): string {
    return join(this.place.folder, name);
  }

  /** A socket on which nobody answers; its path. */
  async listen(name: string): Promise<string> {
    const path = this.path(name);
    const server = createServer((socket) => socket.destroy()).listen(path);
    this.#sockets.push(server);
    await once(server, 'listening');
    return path;
  }

  /** As NSM's processes do: by the file, whose descriptor goes beside the call. */
  async registerByDescriptor(path: string, name = 'e'): Promise<NetworkServiceEndpoint> {
    const fd = openSync(path, O_PATH);
    const { dev, ino } = fstatSync(fd);
    try {
      return await this.client.registerEndpoint(at(formatInodeUrl({ dev, inode: ino }), name), {
        pass: [fd],
      });
    } finally {
      closeSync(fd);
    }
  }

  /** Descriptors of files in the place: what else the process has open comes and goes. */
  get openFiles(): number {
    return countFds(new RegExp(`^${this.place.folder}`));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.close();
    this.tcp.dispose();
    this.store.close();
    await this.place.close();
    rmSync(this.#folder, { recursive: true });
  }
}
