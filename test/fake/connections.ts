import { Failure } from '../../src/features/failure.ts';
import type { ConnectionChange, ConnectionItem, Connections } from '../../src/features/connection/api.ts';
import { Gate } from './gate.ts';

/** A connection that is up, or what is said of it. */
export const connectionOf = (id: string, more: Partial<ConnectionItem> = {}): ConnectionItem => ({
  id,
  clientId: `client-${id}`,
  service: 'my-service',
  endpoint: 'my-endpoint',
  reason: 'the only endpoint',
  payload: 'IP',
  state: 'up',
  since: '2026-01-02T03:04:05.000Z',
  expires: null,
  labels: { app: 'client' },
  path: [
    { name: 'client', id: `client-${id}` },
    { name: 'vwire', id },
    { name: 'my-endpoint', id: `${id}-e` },
  ],
  wire: 7,
  mtu: 1500,
  left: {
    mechanism: 'KERNEL',
    netns: 'pid:4711',
    name: 'nsm-1',
    addresses: ['172.16.1.1/32'],
    routes: ['172.16.1.0/32'],
  },
  right: {
    mechanism: 'KERNEL',
    netns: 'name:server',
    name: 'my-service',
    addresses: ['172.16.1.0/32'],
    routes: ['172.16.1.1/32'],
  },
  errors: [],
  ...more,
});

/** The interface `Connections` without a kernel; a test puts connections in. */
export class MemoryConnections extends Gate implements Connections {
  readonly #items = new Map<string, ConnectionItem>();
  readonly #listeners = new Set<(change: ConnectionChange) => void>();

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Puts a connection in as it is. */
  put(item: ConnectionItem): void {
    this.#items.set(item.id, item);
  }

  tell(change: Partial<ConnectionChange>): void {
    const whole: ConnectionChange = {
      at: '2026-01-02T03:04:05.000Z',
      type: 'opened',
      id: 'c1',
      detail: '',
      ...change,
    };
    for (const listener of this.#listeners) listener(whole);
  }

  list(): ConnectionItem[] {
    return [...this.#items.values()];
  }

  #find(id: string): ConnectionItem {
    const own = this.#items.get(id);
    if (own !== undefined) return own;
    const named = this.list().filter(({ clientId }) => clientId === id);
    const [one] = named;
    if (one === undefined)
      throw new Failure('not_found', `No connection '${id}'`, { field: 'connection', value: id });
    if (named.length === 1) return one;
    const ids = named.map((each) => each.id).join(', ');
    throw new Failure('refused', `${named.length} clients call a connection '${id}': allowed are ${ids}`, {
      field: 'id',
      value: id,
      allowed: ids,
    });
  }

  async close(id: string): Promise<void> {
    await this.pass({ close: id });
    const found = this.#find(id);
    this.#items.delete(found.id);
    this.tell({ type: 'closed', id: found.id });
  }

  subscribe(listener: (change: ConnectionChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
