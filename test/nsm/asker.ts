import { clone, create, type MessageInitShape } from '@bufbuild/protobuf';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type CallOptions, NsmClient } from '../../src/api/nsm/grpc/client.ts';
import {
  ConnectionSchema,
  MonitorScopeSelectorSchema,
  type Connection,
  type ConnectionEvent,
} from '../../src/api/nsm/proto/connection_pb.ts';
import { NetworkServiceRequestSchema } from '../../src/api/nsm/proto/networkservice_pb.ts';

/** What a test says of a connection beside what it always says. */
type ConnectionInit = Exclude<MessageInitShape<typeof ConnectionSchema>, Connection>;

let asked = 0;

/** A client that asks for a namespace by passing its descriptor, as NSM's do. The test closes it. */
export class Asker {
  readonly client: NsmClient;

  constructor(url: string) {
    this.client = new NsmClient({ url });
  }

  /** A first request: an interface `name` in the pod, for a service. */
  async request(
    pod: string,
    service: string,
    name: string,
    more: ConnectionInit = {},
    options: Pick<CallOptions, 'deadline'> = {},
  ): Promise<Connection> {
    const id = `asker-${++asked}`;
    return this.#passing(pod, (fd, inodeURL) =>
      this.client.request(
        create(NetworkServiceRequestSchema, {
          connection: {
            id,
            networkService: service,
            path: { pathSegments: [{ name: 'asker', id }] },
            ...more,
          },
          mechanismPreferences: [{ cls: 'LOCAL', type: 'KERNEL', parameters: { name, inodeURL } }],
        }),
        { ...options, pass: [fd] },
      ),
    );
  }

  /** Asks again for what stands, changed as a test wants. */
  async refresh(
    pod: string,
    connection: Connection,
    change: (connection: Connection) => void = () => undefined,
    options: Pick<CallOptions, 'deadline'> = {},
  ): Promise<Connection> {
    const again = clone(ConnectionSchema, connection);
    change(again);
    return this.#passing(pod, (fd) =>
      this.client.request(create(NetworkServiceRequestSchema, { connection: again }), {
        ...options,
        pass: [fd],
      }),
    );
  }

  close(connection: Connection): Promise<void> {
    return this.client.close(connection);
  }

  monitor(signal: AbortSignal): AsyncIterable<ConnectionEvent> {
    return this.client.monitor(create(MonitorScopeSelectorSchema), { signal });
  }

  async #passing<T>(pod: string, act: (fd: number, inodeURL: string) => Promise<T>): Promise<T> {
    const fd = openSync(`/run/netns/${pod}`, constants.O_RDONLY);
    try {
      const { dev, ino } = fstatSync(fd);
      return await act(fd, `inode://${dev}/${ino}`);
    } finally {
      closeSync(fd);
    }
  }

  dispose(): void {
    this.client.dispose();
  }
}
