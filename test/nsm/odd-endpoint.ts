import { create } from '@bufbuild/protobuf';
import { closeSync, constants, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Endpoint } from '../../src/api/nsm/endpoint/endpoint.ts';
import { NsmClient } from '../../src/api/nsm/grpc/client.ts';
import { type NsmServer, serveNsm } from '../../src/api/nsm/grpc/server.ts';
import type { Call } from '../../src/api/nsm/grpc/services.ts';
import { formatInodeUrl } from '../../src/api/nsm/inode-url.ts';
import type { Connection } from '../../src/api/nsm/proto/connection_pb.ts';
import {
  NetworkServiceEndpointSchema,
  type NetworkServiceEndpoint,
} from '../../src/api/nsm/proto/registry_pb.ts';

import { service } from './records.ts';

/** Changes what would be answered, answers something else, or never. */
export type Oddity = (reply: Connection, call: Call) => Connection | Promise<Connection>;

export const sane: Oddity = (reply) => reply;

/** An endpoint of service `odd` that says what a test wants said. The test closes it. */
export class OddEndpoint {
  readonly name = 'odd';
  /** Closes it was told. */
  closed = 0;
  odd: Oddity = sane;
  readonly #folder = mkdtempSync(join(tmpdir(), 'vwire-odd-'));
  readonly #netns: number;
  readonly #endpoint: Endpoint;
  readonly #agent: NsmClient;
  #server: NsmServer | null = null;
  #record: NetworkServiceEndpoint | null = null;

  /** In a namespace of /run/netns, known to the agent at that URL. */
  constructor(agent: string, pod: string) {
    this.#agent = new NsmClient({ url: agent });
    this.#netns = openSync(`/run/netns/${pod}`, constants.O_RDONLY);
    const { dev, ino } = fstatSync(this.#netns);
    this.#endpoint = new Endpoint(
      {
        name: this.name,
        services: ['odd'],
        payload: null,
        pools: ['172.18.0.0/24', '2001:db8:18::/116'],
        routes: [],
        endpointRoutes: [],
        policies: [],
        dns: [],
        mtu: null,
        interfacePrefix: null,
      },
      { dev, inode: ino },
    );
  }

  async open(): Promise<this> {
    const url = `unix://${join(this.#folder, 'odd.sock')}`;
    const log = pino({ level: 'silent' });
    this.#server = await serveNsm(
      {
        request: async (request, call) => {
          const answer = this.#endpoint.answer(request);
          const { dev, ino } = fstatSync(this.#netns);
          if (answer.connection.mechanism)
            answer.connection.mechanism.parameters.inodeURL = formatInodeUrl({ dev, inode: ino });
          if (call.caller.kind === 'unix') call.caller.stream.pass(this.#netns);
          return this.odd(answer.accept(), call);
        },
        close: (connection) => {
          this.closed++;
          this.#endpoint.close(connection);
          return Promise.resolve();
        },
      },
      { listen: [url], log },
    );
    await this.#agent.registerService(service('odd'));
    this.#record = await this.#agent.registerEndpoint(
      create(NetworkServiceEndpointSchema, { name: this.name, url, networkServiceNames: ['odd'] }),
    );
    return this;
  }

  async close(): Promise<void> {
    if (this.#record) await this.#agent.unregisterEndpoint(this.#record);
    this.#agent.dispose();
    await this.#server?.close(100);
    closeSync(this.#netns);
    rmSync(this.#folder, { recursive: true });
  }
}
