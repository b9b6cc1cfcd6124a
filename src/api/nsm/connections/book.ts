import type { Logger } from 'pino';
import type { ConnectionChange, ConnectionItem } from '../../../features/connection/api.ts';
import { connectionItem } from '../../../features/connection/item.ts';
import { type FileIdentity, fileKey } from '../../../file-identity.ts';
import { Failure } from '../../../features/failure.ts';
import type { Clock } from '../../../state/clock.ts';
import { KEPT_CONNECTION_ERRORS, type ConnectionRecord } from '../../../state/connection-record.ts';
import type { ConnectionFiles } from '../../../state/connections.ts';
import { Held } from './held.ts';
import { type Share, Shares } from './shares.ts';

export interface BookConfig {
  readonly files: ConnectionFiles;
  readonly clock: Clock;
  readonly log: Logger;
  readonly maxConnections: number;
  /** Of clients in one network namespace. */
  readonly maxPerNetns: number;
}

/** What became of a connection, for those who watch it over NSM. */
export interface Published {
  readonly type: 'update' | 'delete';
  readonly connection: Held;
}

/** Half a life later: a client asks again after a fifth or a third of it. */
function roomFor(expires: string | null, now: number): string | null {
  if (expires === null) return null;
  const at = Date.parse(expires);
  return new Date(at + Math.max(0, at - now) / 2).toISOString();
}

/** ISO 8601 in UTC sorts by time. */
const isWithin = (said: string | null, earliest: string | null, latest: string | null): boolean =>
  said === null || earliest === null || latest === null
    ? said === earliest
    : earliest <= said && said <= latest;

const clientKey = (name: string, id: string): string => `${name}\0${id}`;

/** The connections of one agent, by its own ids. */
export class ConnectionBook {
  readonly #config: BookConfig;
  readonly #shares: Shares;
  readonly #held = new Map<string, Held>();
  readonly #clients = new Map<string, Held>();
  readonly #listeners = new Set<(change: ConnectionChange) => void>();
  readonly #watchers = new Set<(published: Published) => void>();

  constructor(config: BookConfig) {
    this.#config = config;
    this.#shares = new Shares(config.maxPerNetns);
  }

  get(id: string): Held | null {
    return this.#held.get(id) ?? null;
  }

  all(): Held[] {
    return [...this.#held.values()];
  }

  /** Takes up a connection that is about to be, or that an earlier agent left. */
  enter(record: ConnectionRecord): Held {
    const { maxConnections } = this.#config;
    if (this.#held.size >= maxConnections)
      throw new Failure(
        'refused',
        `There are ${this.#held.size} connections: this agent takes ${maxConnections}`,
        {
          field: 'connections',
          value: String(this.#held.size),
          allowed: `${maxConnections}, set by --max-connections`,
        },
      );
    const connection = new Held(record);
    if (record.leftNetns) connection.share = this.#shares.adopt(record.leftNetns);
    this.#held.set(record.id, connection);
    const [client] = record.path;
    if (client) this.#clients.set(clientKey(client.name, client.id), connection);
    return connection;
  }

  /** Forgets a connection, unless something of it could not be released: then it stays to be closed again. */
  drop(connection: Held): void {
    if (!connection.scope.isEmpty) return;
    connection.gone = true;
    this.#share(connection, null);
    if (this.#held.get(connection.id) === connection) this.#held.delete(connection.id);
    const [client] = connection.record.path;
    const key = client ? clientKey(client.name, client.id) : '';
    if (this.#clients.get(key) === connection) this.#clients.delete(key);
  }

  /** Whose it is: its client's namespace, which may change. Throws Failure where that has as many as it may. */
  charge(connection: Held, netns: FileIdentity): void {
    if (connection.share?.netns !== fileKey(netns)) this.#share(connection, this.#shares.take(netns));
  }

  /** After a request that failed: it counts for where it still is. */
  recharge(connection: Held): void {
    const { leftNetns } = connection.record;
    if (leftNetns && connection.share?.netns !== fileKey(leftNetns))
      this.#share(connection, this.#shares.adopt(leftNetns));
  }

  #share(connection: Held, share: Share | null): void {
    if (connection.share) this.#shares.giveBack(connection.share);
    connection.share = share;
  }

  /** The file is there from before anything exists until nothing does. */
  holdFile(connection: Held): Promise<void> {
    return connection.scope.hold('record', '', () => {
      this.#write(connection);
      return this.#removal(connection);
    });
  }

  /** The one that the connection was read from. */
  adoptFile(connection: Held): Promise<void> {
    return connection.scope.hold('record', '', () => this.#removal(connection));
  }

  #removal({ id }: Held): () => void {
    return () => {
      this.#config.files.remove(id);
    };
  }

  /** Changes what is known, in memory and, once there is a file, on disk. */
  rewrite(connection: Held, change: Partial<ConnectionRecord>): void {
    connection.record = { ...connection.record, ...change };
    if (connection.scope.has('record')) this.#write(connection);
  }

  /**
   * Like `rewrite`, for one that was carried out; `digest` is of all that is not told anew each time. The file is left
   * alone while it says the same: from the second time on, the end it tells has room for later ones.
   */
  settle(connection: Held, change: Partial<ConnectionRecord>, digest: string): void {
    connection.record = { ...connection.record, ...change };
    const { written, record } = connection;
    const latest = roomFor(record.expires, this.#config.clock.now());
    if (written?.digest === digest && isWithin(written.expires, record.expires, latest)) return;
    const expires = written === null ? record.expires : latest;
    this.#config.files.write({ ...record, expires });
    connection.written = { digest, expires };
  }

  #write(connection: Held): void {
    connection.written = null;
    this.#config.files.write(connection.record);
  }

  /** Like `rewrite`, for what has to go on where nothing can be written. */
  #note(connection: Held, change: Partial<ConnectionRecord>): void {
    try {
      this.rewrite(connection, change);
    } catch (error) {
      this.#config.log.error({ conn: connection.id, error: String(error) }, 'State file cannot be written');
    }
  }

  /** From here on all that is held is released. A full disk keeps nothing from ending. */
  closing(connection: Held): void {
    connection.state = 'closing';
    this.#note(connection, { intent: 'closing' });
  }

  /** The one a client calls so. Its name and id are its own to choose, so this proves nothing. */
  byClient(name: string, id: string): Held | null {
    return this.#clients.get(clientKey(name, id)) ?? null;
  }

  /** By the agent's id, or by the client's where only one connection has it. Throws Failure. */
  find(id: string): Held {
    const own = this.#held.get(id);
    if (own) return own;
    const [first, second] = this.all().filter(({ record }) => record.clientId === id);
    if (first && !second) return first;
    throw first
      ? new Failure('invalid', `connection is '${id}': several clients call theirs so`, {
          field: 'connection',
          value: id,
          allowed: "the agent's own id, which vwire ls shows",
        })
      : new Failure('not_found', `There is no connection '${id}'`, {
          field: 'connection',
          value: id,
          allowed: 'an id that vwire ls shows',
        });
  }

  list(): ConnectionItem[] {
    return this.all()
      .map(({ record, state }) => connectionItem(record, state))
      .sort((a, b) => a.since.localeCompare(b.since));
  }

  /** Tells people: one line in the log, and whoever subscribed. */
  announce(type: ConnectionChange['type'], connection: Held, detail: string): void {
    const { id } = connection;
    const at = new Date(this.#config.clock.now()).toISOString();
    this.#config.log[type === 'failed' || type === 'down' ? 'warn' : 'info'](
      { conn: id, event: type },
      detail,
    );
    if (type === 'failed' || type === 'down') {
      const errors = [...connection.record.errors, { at, message: detail }].slice(-KEPT_CONNECTION_ERRORS);
      this.#note(connection, { errors });
    }
    for (const listener of this.#listeners) listener({ at, type, id, detail });
  }

  /** Tells those who watch over NSM. */
  publish(type: Published['type'], connection: Held): void {
    for (const watcher of this.#watchers) watcher({ type, connection });
  }

  subscribe(listener: (change: ConnectionChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  watch(watcher: (published: Published) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
