import { clone, equals } from '@bufbuild/protobuf';
import { randomUUID } from 'node:crypto';
import type { FileIdentity } from '../../../file-identity.ts';
import { Failure } from '../../../features/failure.ts';
import { Ipam, type Offer, type Wish } from '../../../features/ipam/ipam.ts';
import { interfaceName } from '../interface-name.ts';
import { messageOf, textOf } from '../message-text.ts';
import { advance, type Advanced, restore } from '../path.ts';
import { type Connection, ConnectionSchema, State } from '../proto/connection_pb.ts';
import { ConnectionContextSchema, type DNSConfig } from '../proto/connectioncontext_pb.ts';
import type { NetworkServiceRequest } from '../proto/networkservice_pb.ts';
import { acceptMechanism, checkAsked, complete, dnsConfigs, fillContext } from './answer.ts';
import { maxContextEntries } from '../limits.ts';
import { maxConnections } from './limits.ts';
import { checkSettings, type ContextSettings, type EndpointSettings } from './settings.ts';

/** One connection as the endpoint sees it: its own index and id. */
interface Kept {
  /** The connection as a text: there may be many, and all that is asked of most is their end. */
  text: string;
  readonly caller: string;
  /** Null until a Request has told it. */
  interfaceName: string | null;
  /** What the client asked for, not what it was answered. */
  mtu: number;
  answeredMtu: number;
}

/** An answer that nothing depends on yet; accept or withdraw it, once, and before the next one to this id. */
export interface Answer {
  /** The endpoint's own id of the connection. */
  readonly id: string;
  readonly first: boolean;
  /** As the endpoint sees it; may be changed until it is accepted. */
  readonly connection: Connection;
  /** The connection as the caller sees it. */
  accept(): Connection;
  withdraw(): void;
}

/**
 * An endpoint's connections: answers Requests and keeps what it has promised. After a restart `restore` gives it
 * back what the agent still holds. Throws Failure, and then nothing has changed.
 */
export class Endpoint {
  readonly #netns: FileIdentity;
  readonly #newId: () => string;
  readonly #kept = new Map<string, Kept>();
  readonly #callers = new Map<string, string>();
  readonly #names = new Map<string, string>();
  #settings: EndpointSettings;
  /** All it ever said about name servers, the latest last: clients say it back. */
  #saidDns: readonly DNSConfig[] = [];
  #ipam: Ipam;

  /** `netns` is where its interfaces are to be. */
  constructor(settings: EndpointSettings, netns: FileIdentity, newId: () => string = randomUUID) {
    this.#settings = checkSettings(settings);
    this.#ipam = new Ipam(settings.pools);
    this.#netns = netns;
    this.#newId = newId;
  }

  get settings(): EndpointSettings {
    return this.#settings;
  }

  get pools(): { prefix: string; used: number; size: bigint }[] {
    return this.#ipam.pools;
  }

  /** Copies, as the endpoint sees them. */
  get connections(): Connection[] {
    return [...this.#kept.values()].map(connectionIn);
  }

  /** Which connection a message is about; null for one that is not known. Throws Failure for a path that cannot be. */
  idOf(connection: Connection): string | null {
    const { id } = this.#advance(connection, () => '').connection;
    return this.#kept.has(id) ? id : null;
  }

  /** What the Request is to be answered: a known connection keeps its addresses and its interface name. */
  answer(request: NetworkServiceRequest): Answer {
    const asked = request.connection;
    if (asked === undefined)
      throw new Failure('invalid', 'connection is missing: a request is for a connection', {
        field: 'connection',
      });
    checkAsked(asked, this.#settings);
    const { mechanism, name } = acceptMechanism(request);
    const advanced = this.#advance(asked, this.#newId);
    const { id } = advanced.connection;
    const before = this.#kept.get(id) ?? null;
    if (before === null && this.#kept.size >= maxConnections) throw this.#full();
    const chosen = this.#nameFor(id, asked, name, before);
    const offer = this.#ipam.offer(id, wishOf(asked));
    const wish = wantedMtu(asked, before);
    const mtu = this.#settings.mtu === null ? (asked.context?.MTU ?? 0) : wish;
    const saidDns = this.#saidDns;
    const found = { addresses: offer, mechanism, interfaceName: chosen, netns: this.#netns, mtu, saidDns };
    const connection = complete(clone(ConnectionSchema, advanced.connection), this.#settings, found);
    const kept = {
      caller: callerOf(advanced),
      interfaceName: chosen,
      mtu: wish,
    };
    return {
      id,
      first: before === null,
      connection,
      accept: () => {
        offer.accept();
        if (before?.interfaceName != null) this.#names.delete(before.interfaceName);
        this.#keep(id, { ...kept, ...answered(connection) });
        return restore(connection, advanced);
      },
      withdraw: () => {
        offer.withdraw();
      },
    };
  }

  /** Gives back what the connection had, and the connection as it was last; null for one that is not known. */
  close(connection: Connection): Connection | null {
    const id = this.idOf(connection);
    const kept = id === null ? undefined : this.#kept.get(id);
    if (id === null || kept === undefined) return null;
    this.#ipam.release(id);
    this.#kept.delete(id);
    this.#callers.delete(kept.caller);
    if (kept.interfaceName !== null) this.#names.delete(kept.interfaceName);
    return connectionIn(kept);
  }

  /**
   * Takes up a connection that an earlier process of this endpoint has answered, as the agent shows it. False where
   * its path does not lead here, or its addresses cannot be had: then a Request gives it others.
   */
  restore(connection: Connection): boolean {
    const segments = connection.path?.pathSegments ?? [];
    // The last: a process of this name may be the client of another endpoint, too.
    const index = segments.length - 1;
    const [own, caller] = [segments[index], segments[index - 1]];
    if (own?.name !== this.#settings.name || own.id === '' || caller === undefined) return false;
    if (this.#kept.has(own.id) || this.#kept.size >= maxConnections) return false;
    let offer: Offer;
    try {
      offer = this.#ipam.offer(own.id, wishOf(connection));
    } catch (error) {
      if (error instanceof Failure) return false;
      throw error;
    }
    offer.accept();
    const restored = { ...connection, id: own.id };
    if (connection.path !== undefined) restored.path = { ...connection.path, index };
    // What is shown of it is the client's.
    delete restored.mechanism;
    this.#keep(own.id, {
      ...answered(restored),
      caller: callerKey(caller),
      interfaceName: null,
      mtu: 0,
    });
    return true;
  }

  /**
   * Other settings from now on. Gives the connections that are no longer what was answered, as monitors are to be
   * shown them: their callers ask again and get the new ones.
   */
  change(change: Partial<ContextSettings>): Connection[] {
    const settings = checkSettings({ ...this.#settings, ...change });
    const ipam =
      change.pools === undefined ? this.#ipam : this.#ipam.moved(change.pools, (id) => this.#wish(id));
    this.#saidDns = [...this.#saidDns, ...dnsConfigs(this.#settings)].slice(-maxContextEntries);
    this.#settings = settings;
    this.#ipam = ipam;
    const changed: Connection[] = [];
    for (const [id, kept] of this.#kept) {
      const [connection, now] = [connectionIn(kept), connectionIn(kept)];
      fillContext(now, settings, {
        addresses: ipam.lease(id, wishOf(connection)),
        mtu: kept.mtu,
        saidDns: this.#saidDns,
      });
      const [was, is] = [connection.context, now.context];
      if (was !== undefined && is !== undefined && equals(ConnectionContextSchema, was, is)) continue;
      Object.assign(kept, answered(now));
      now.state = State.REFRESH_REQUESTED;
      changed.push(now);
    }
    return changed;
  }

  /** A caller that lost this endpoint's segment, or never heard of it, is known by its own. */
  #advance(connection: Connection, newId: () => string): Advanced {
    const caller = connection.path?.pathSegments[connection.path.index];
    return advance(connection, this.#settings.name, () => this.#callers.get(callerKey(caller)) ?? newId());
  }

  #wish(id: string): Wish {
    const kept = this.#kept.get(id);
    return kept === undefined ? { src: [], dst: [], excluded: [] } : wishOf(connectionIn(kept));
  }

  /** The one that was agreed on, else the one it has, else one that comes out of its id. */
  #nameFor(id: string, asked: Connection, wanted: string | null, before: Kept | null): string {
    const isTaken = (name: string): boolean => (this.#names.get(name) ?? id) !== id;
    const name =
      asked.mechanism === undefined ? (before?.interfaceName ?? wanted) : (wanted ?? before?.interfaceName);
    const { interfacePrefix } = this.#settings;
    if (name == null) return interfaceName(interfacePrefix ?? asked.networkService, id, isTaken);
    if (!isTaken(name)) return name;
    throw new Failure(
      'refused',
      `Interface name '${name}' is that of another connection of endpoint '${this.#settings.name}'`,
      {
        field: "connection.mechanism.parameters['name']",
        value: name,
        allowed: 'a name that is free, or none',
      },
    );
  }

  #keep(id: string, kept: Kept): void {
    this.#kept.set(id, kept);
    this.#callers.set(kept.caller, id);
    if (kept.interfaceName !== null) this.#names.set(kept.interfaceName, id);
  }

  #full(): Failure {
    return new Failure(
      'exhausted',
      `Endpoint '${this.#settings.name}' has ${this.#kept.size} connections: it takes no more`,
      {
        field: 'connections',
        value: String(this.#kept.size),
        allowed: `${maxConnections} connections`,
      },
    );
  }
}

const connectionIn = ({ text }: Pick<Kept, 'text'>): Connection => messageOf(ConnectionSchema, text);

const answered = (connection: Connection): Pick<Kept, 'text' | 'answeredMtu'> => ({
  text: textOf(ConnectionSchema, connection),
  answeredMtu: connection.context?.MTU ?? 0,
});

const callerKey = (caller: { name: string; id: string } | undefined): string =>
  `${caller?.name ?? ''}\0${caller?.id ?? ''}`;

const callerOf = ({ connection, callerIndex }: Advanced): string =>
  callerKey(connection.path?.pathSegments[callerIndex]);

function wishOf({ context }: Connection): Wish {
  const ip = context?.ipContext;
  return { src: ip?.srcIpAddrs ?? [], dst: ip?.dstIpAddrs ?? [], excluded: ip?.excludedPrefixes ?? [] };
}

/**
 * What a client sends is what it was answered before, or what its wire has where it was answered nothing: only
 * another number is a wish.
 */
function wantedMtu(asked: Connection, before: Kept | null): number {
  const mtu = asked.context?.MTU ?? 0;
  if (before === null) return mtu;
  const { answeredMtu } = before;
  return mtu === answeredMtu || answeredMtu === 0 ? before.mtu : mtu;
}
