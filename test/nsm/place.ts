import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { NsmClient } from '../../src/api/nsm/grpc/client.ts';
import { type NsmServer, type ServeOptions, type Served, serveNsm } from '../../src/api/nsm/grpc/server.ts';

/** A server and a client of NSM's protocol on a unix socket in a folder of their own. Closed by who opened it. */
export class NsmPlace {
  readonly folder: string;
  readonly path: string;
  readonly url: string;
  readonly server: NsmServer;
  readonly client: NsmClient;
  readonly #clients: NsmClient[] = [];

  private constructor(folder: string, path: string, server: NsmServer) {
    this.folder = folder;
    this.path = path;
    this.url = `unix://${path}`;
    this.server = server;
    this.client = this.another();
  }

  static async open(
    services: Served,
    options: Partial<ServeOptions> = {},
    more: readonly string[] = [],
  ): Promise<NsmPlace> {
    const folder = mkdtempSync(join(tmpdir(), 'vwire-nsm-'));
    const path = join(folder, 'nsm.sock');
    const log = pino({ level: 'silent' });
    try {
      const server = await serveNsm(services, { listen: [`unix://${path}`, ...more], log, ...options });
      return new NsmPlace(folder, path, server);
    } catch (error) {
      rmSync(folder, { recursive: true });
      throw error;
    }
  }

  /** Another client of the same socket. */
  another(): NsmClient {
    const client = new NsmClient({ url: this.url });
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.dispose();
    await this.server.close(1_000);
    rmSync(this.folder, { recursive: true });
  }
}

/** Settles when the condition holds; the test's own time limit says that it never will. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
