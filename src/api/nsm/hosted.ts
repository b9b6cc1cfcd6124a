import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { EndpointChange, EndpointItem, EndpointSpec, Endpoints } from '../../features/connection/api.ts';
import { Failure } from '../../features/failure.ts';
import { whereaboutsOf } from '../../features/wire/whereabouts.ts';
import type { EndpointRecord } from '../../state/endpoint-record.ts';
import type { EndpointFiles } from '../../state/endpoints.ts';
import type { EndpointLink } from './chain/connect.ts';
import { Endpoint } from './endpoint/endpoint.ts';
import { formatInodeUrl } from './inode-url.ts';
import type { Connection } from './proto/connection_pb.ts';

/** What the registry does for hosted endpoints. Throws Failure. */
export interface HostedRegistry {
  register(record: EndpointRecord): void;
  unregister(name: string): void;
  /** Every endpoint there is, hosted or not. */
  list(): EndpointItem[];
}

export interface HostedParts {
  readonly files: EndpointFiles;
  readonly registry: HostedRegistry;
  readonly log: Logger;
  /** The endpoint is no more: its connections heal or close. */
  readonly onGone: (name: string, why: string) => void;
  /** A connection is no longer what was answered; settles when it has what is new. */
  readonly onNews: (name: string, connection: Connection) => Promise<void>;
}

interface Hosted {
  readonly record: EndpointRecord;
  readonly endpoint: Endpoint;
}

/** Endpoints that have no process of their own: the agent answers for a namespace, and keeps what it was told in files. */
export class HostedEndpoints implements Endpoints {
  readonly #parts: HostedParts;
  readonly #hosted = new Map<string, Hosted>();

  constructor(parts: HostedParts) {
    this.#parts = parts;
  }

  add(spec: EndpointSpec): Promise<EndpointItem> {
    // Synchronous: nothing here waits, and a half-added endpoint is never seen.
    return Promise.resolve().then(() => this.#add(spec));
  }

  #add(spec: EndpointSpec): EndpointItem {
    const name = spec.name ?? this.#draw(spec.services[0] ?? 'endpoint');
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name))
      throw new Failure('invalid', `name is '${name.slice(0, 64)}': it names a file as well`, {
        field: 'name',
        value: name.slice(0, 64),
        allowed: '1 to 128 letters, digits and _ . -, starting with a letter or digit',
      });
    if (this.#hosted.has(name))
      throw new Failure(
        'refused',
        `name is '${name}': the agent answers for an endpoint of that name already`,
        {
          field: 'name',
          value: name,
          allowed: 'a name that no endpoint has',
        },
      );
    const { identity } = whereaboutsOf(spec.netns, 'netns');
    const record: EndpointRecord = {
      schema: 1,
      name,
      services: [...spec.services],
      labels: { ...spec.labels },
      netns: { ref: spec.netns, dev: identity.dev, inode: identity.inode },
      pools: [...spec.pools],
      routes: spec.routes.map(({ prefix, via }) => ({ prefix, via })),
      mtu: spec.mtu,
      payload: spec.payload,
    };
    const { files, registry, log } = this.#parts;
    const endpoint = endpointOf(record);
    registry.register(record);
    try {
      files.write(record);
    } catch (error) {
      registry.unregister(name);
      throw error;
    }
    this.#hosted.set(name, { record, endpoint });
    log.info({ endpoint: name, services: record.services }, 'endpoint added');
    return this.#item(name);
  }

  #draw(service: string): string {
    const start = service.replace(/[^A-Za-z0-9_.-]/g, '') || 'endpoint';
    return `${start}-${randomBytes(3).toString('hex')}`;
  }

  async update(name: string, { pools, routes, mtu }: EndpointChange): Promise<EndpointItem> {
    const { endpoint, record } = this.#find(name);
    const changed = endpoint.change({
      ...(pools && { pools }),
      ...(routes && { routes }),
      ...(mtu !== null && { mtu }),
    });
    const now: EndpointRecord = {
      ...record,
      pools: [...(pools ?? record.pools)],
      routes: (routes ?? record.routes).map(({ prefix, via }) => ({ prefix, via })),
      mtu: mtu ?? record.mtu,
    };
    this.#parts.files.write(now);
    this.#hosted.set(name, { endpoint, record: now });
    this.#parts.log.info({ endpoint: name, connections: changed.length }, 'endpoint updated');
    await Promise.all(changed.map((connection) => this.#parts.onNews(name, connection)));
    return this.#item(name);
  }

  #find(name: string): Hosted {
    const hosted = this.#hosted.get(name);
    if (hosted) return hosted;
    throw new Failure('not_found', `There is no endpoint '${name}' that the agent answers for`, {
      field: 'endpoint',
      value: name,
      allowed: 'an endpoint that vwire endpoint ls shows as hosted',
    });
  }

  remove(name: string): Promise<void> {
    return Promise.resolve().then(() => {
      const { files, registry, log, onGone } = this.#parts;
      this.#find(name);
      registry.unregister(name);
      files.remove(name);
      this.#hosted.delete(name);
      log.info({ endpoint: name }, 'endpoint removed');
      onGone(name, `endpoint '${name}' was removed`);
    });
  }

  list(): EndpointItem[] {
    return this.#parts.registry.list().map((item) => this.#completed(item));
  }

  #completed(item: EndpointItem): EndpointItem {
    const hosted = this.#hosted.get(item.name);
    if (!hosted) return item;
    const pools = hosted.endpoint.pools.map(({ prefix, used }) => ({ prefix, used }));
    return { ...item, hosted: true, url: '', netns: hosted.record.netns.ref, pools };
  }

  #item(name: string): EndpointItem {
    const item = this.list().find((listed) => listed.name === name);
    if (!item) throw new Error(`Endpoint '${name}' is registered and cannot be found`);
    return item;
  }

  /** Null for one the agent does not answer for. */
  link(name: string): EndpointLink | null {
    const hosted = this.#hosted.get(name);
    if (!hosted) return null;
    const { endpoint, record } = hosted;
    // Found anew each time: a namespace that was made again under its name is the endpoint's new one.
    const where = (): ReturnType<typeof whereaboutsOf> =>
      whereaboutsOf(record.netns.ref, `endpoint '${name}' netns`);
    return {
      request: async (request) => {
        const { identity } = where();
        const answer = endpoint.answer(request);
        const { mechanism } = answer.connection;
        if (mechanism) mechanism.parameters.inodeURL = formatInodeUrl(identity);
        return answer.accept();
      },
      close: async (connection) => {
        endpoint.close(connection);
      },
      netnsOf: async () => where(),
    };
  }

  /** Takes up what an earlier agent answered for, and then what it had promised. */
  adopt(records: readonly EndpointRecord[]): void {
    const { registry, log } = this.#parts;
    for (const record of records) {
      try {
        const endpoint = endpointOf(record);
        registry.register(record);
        this.#hosted.set(record.name, { record, endpoint });
      } catch (error) {
        log.error(
          { endpoint: record.name, error: String(error) },
          'An endpoint of an earlier agent cannot be taken up',
        );
      }
    }
  }

  /** A connection that an earlier agent answered keeps its addresses. */
  restore(name: string, connection: Connection): void {
    if (this.#hosted.get(name)?.endpoint.restore(connection) === false)
      this.#parts.log.warn({ endpoint: name, conn: connection.id }, 'Its addresses cannot be had again');
  }
}

const endpointOf = ({ name, services, payload, pools, routes, mtu, netns }: EndpointRecord): Endpoint =>
  new Endpoint(
    {
      name,
      services,
      payload,
      interfacePrefix: null,
      pools,
      routes,
      endpointRoutes: [],
      policies: [],
      dns: [],
      mtu,
    },
    { dev: netns.dev, inode: netns.inode },
  );
