import { clone, create, type MessageInitShape } from '@bufbuild/protobuf';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Authority } from '../../src/api/nsm/chain/authority.ts';
import type { EndpointLink, EndpointLinks } from '../../src/api/nsm/chain/connect.ts';
import type { Candidate, Directory } from '../../src/api/nsm/chain/discover.ts';
import { namedNetns } from '../../src/api/nsm/chain/named-netns.ts';
import { Lifetimes } from '../../src/api/nsm/chain/timeout.ts';
import { ConnectionBook } from '../../src/api/nsm/connections/book.ts';
import { forwarder } from '../../src/api/nsm/forwarder.ts';
import type { Call } from '../../src/api/nsm/grpc/services.ts';
import { Healer } from '../../src/api/nsm/heal.ts';
import { Manager } from '../../src/api/nsm/manager.ts';
import {
  ConnectionSchema,
  MechanismSchema,
  PathSegmentSchema,
  type Connection,
} from '../../src/api/nsm/proto/connection_pb.ts';
import {
  NetworkServiceRequestSchema,
  type NetworkServiceRequest,
} from '../../src/api/nsm/proto/networkservice_pb.ts';
import { Failure } from '../../src/features/failure.ts';
import type { Whereabouts } from '../../src/features/wire/whereabouts.ts';
import type { Peer } from '../../src/net/unix/peer.ts';
import { ConnectionFiles } from '../../src/state/connections.ts';
import { FakeClock } from '../fake/clock.ts';
import { MemoryWires } from '../fake/wires.ts';

/** What a test says of a connection beside what it always says. */
export type ConnectionInit = Exclude<MessageInitShape<typeof ConnectionSchema>, Connection>;

const { dev, ino } = statSync('/proc/self/ns/net');
/** The namespace of who asks. */
export const own = { dev, inode: ino };

export const peer = (more: Partial<Peer> = {}): Peer => ({
  pid: process.pid,
  uid: 1000,
  gid: 1000,
  inOwnNamespaces: true,
  origin: 'user 0',
  currentNetns: () => own,
  ...more,
});

/** An endpoint that takes what it is asked, and remembers. */
export class FakeEndpoint implements EndpointLink {
  readonly requests: NetworkServiceRequest[] = [];
  readonly closed: Connection[] = [];
  answers = true;
  change: (reply: Connection) => void = () => undefined;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  request(request: NetworkServiceRequest): Promise<Connection> {
    if (!this.answers) return Promise.reject(new Failure('failed', `nobody answers at '${this.#name}'`));
    this.requests.push(clone(NetworkServiceRequestSchema, request));
    const reply = clone(ConnectionSchema, request.connection ?? create(ConnectionSchema));
    reply.mechanism ??= create(MechanismSchema, {
      cls: 'LOCAL',
      type: 'KERNEL',
      parameters: { inodeURL: `inode://${own.dev}/${own.inode}`, name: `${this.#name}-1` },
    });
    reply.path?.pathSegments.splice(2, 1, create(PathSegmentSchema, { name: this.#name, id: 'e-1' }));
    reply.context = create(ConnectionSchema, {
      context: { ipContext: { srcIpAddrs: ['10.0.0.1/32'], dstIpAddrs: ['10.0.0.0/32'] } },
    }).context;
    this.change(reply);
    return Promise.resolve(reply);
  }

  close(connection: Connection): Promise<void> {
    this.closed.push(connection);
    return Promise.resolve();
  }

  netnsOf(inodeUrl: string, field: string, signal: AbortSignal): Promise<Whereabouts> {
    return namedNetns(inodeUrl, { peer: peer(), stream: null, trusted: false }, field, signal);
  }
}
/** A manager with its book, two endpoints and wires in memory, and one client that asks. Closed by who made it. */
export class Cast {
  readonly clock = new FakeClock();
  readonly wires = new MemoryWires();
  readonly endpoints = new Map(['gateway', 'spare'].map((name) => [name, new FakeEndpoint(name)]));
  readonly book: ConnectionBook;
  readonly manager: Manager;
  readonly healer: Healer;
  /** Which endpoints match, in their order. */
  offered = ['gateway', 'spare'];
  lives: (netns: { identity: { inode: number } }) => boolean = () => true;
  readonly folder = mkdtempSync(join(tmpdir(), 'vwire-manager-'));

  constructor({ maxPerNetns = 8 } = {}) {
    const { clock, wires } = this;
    const log = pino({ level: 'silent' });
    this.book = new ConnectionBook({
      files: new ConnectionFiles(this.folder),
      clock,
      log,
      maxConnections: 8,
      maxPerNetns,
    });
    const { book } = this;
    const chain = forwarder({
      name: 'vwire',
      book,
      wires,
      directory: this.#directory(),
      links: this.#links(),
      authority: new Authority([]),
      lifetimes: new Lifetimes(book, clock),
      clock,
      log,
    });
    this.manager = new Manager(chain, book, log);
    const netnsLives = (netns: Whereabouts): boolean => this.lives(netns);
    const { manager } = this;
    this.healer = new Healer({
      name: 'vwire',
      book,
      manager,
      wires,
      clock,
      log,
      graceMs: 30_000,
      netnsLives,
    });
  }

  #directory(): Directory {
    const candidate = (name: string): Candidate => ({
      name,
      target: `unix:///${name}`,
      payload: 'ETHERNET',
      reason: '',
    });
    return {
      named: (name) => {
        if (!this.offered.includes(name))
          throw new Failure('not_found', `network service endpoint ${name} not found`);
        return candidate(name);
      },
      candidates: () => this.offered.map(candidate),
    };
  }

  #links(): EndpointLinks {
    return {
      to: ({ name }) => this.endpoints.get(name) ?? new FakeEndpoint(name),
      retain: () => () => undefined,
      answers: ({ name }) => this.endpoints.get(name)?.answers ?? false,
    };
  }

  close(): void {
    this.healer.close();
    rmSync(this.folder, { recursive: true });
  }

  call(more: Partial<Call> = {}, from: Peer = peer()): Call {
    return {
      caller: { kind: 'unix', peer: from, stream: { descriptors: { spare: () => undefined } } as never },
      deadline: this.clock.now() + 15_000,
      signal: new AbortController().signal,
      token: null,
      ...more,
    };
  }

  get gateway(): FakeEndpoint {
    return this.endpoints.get('gateway') ?? new FakeEndpoint('gateway');
  }

  get spare(): FakeEndpoint {
    return this.endpoints.get('spare') ?? new FakeEndpoint('spare');
  }

  /** What was asked of the wires, of one kind. */
  calls(kind: string): unknown[] {
    return this.wires.calls.filter((made) => Object.keys(made as object)[0] === kind);
  }

  settled(): Promise<void> {
    return this.clock.advance(0);
  }
}

/** Connection `c-0` of service `web`, with an interface in the own namespace. */
export const request = (more: ConnectionInit = {}): NetworkServiceRequest =>
  create(NetworkServiceRequestSchema, {
    connection: {
      id: 'c-0',
      networkService: 'web',
      path: { pathSegments: [{ name: 'client', id: 'c-0' }] },
      ...more,
    },
    mechanismPreferences: [
      {
        cls: 'LOCAL',
        type: 'KERNEL',
        parameters: { name: 'nsm-1', inodeURL: `inode://${own.dev}/${own.inode}` },
      },
    ],
  });

export const again = (connection: Connection): NetworkServiceRequest =>
  create(NetworkServiceRequestSchema, { connection: clone(ConnectionSchema, connection) });
