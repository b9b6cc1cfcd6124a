// Long because every way a connection can go is one story with the same cast.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { clone, create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { mkdtempSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { FakeClock } from '../../../test/fake/clock.ts';
import { MemoryWires } from '../../../test/fake/wires.ts';
import { Failure } from '../../features/failure.ts';
import type { Whereabouts } from '../../features/wire/whereabouts.ts';
import { Descriptors } from '../../net/unix/descriptors.ts';
import type { Peer } from '../../net/unix/peer.ts';
import { Room } from '../../net/unix/room.ts';
import { ConnectionFiles } from '../../state/connections.ts';
import { connectionsDirectory } from '../../state/view.ts';
import { Authority } from './chain/authority.ts';
import type { EndpointLink, EndpointLinks } from './chain/connect.ts';
import type { Candidate, Directory } from './chain/discover.ts';
import { namedNetns } from './chain/named-netns.ts';
import { Lifetimes } from './chain/timeout.ts';
import { ConnectionBook } from './connections/book.ts';
import { forwarder } from './forwarder.ts';
import type { Call } from './grpc/services.ts';
import { Healer } from './heal.ts';
import { Manager } from './manager.ts';
import {
  ConnectionSchema,
  MechanismSchema,
  PathSegmentSchema,
  State,
  type Connection,
} from './proto/connection_pb.ts';
import { NetworkServiceRequestSchema, type NetworkServiceRequest } from './proto/networkservice_pb.ts';

/** What a test says of a connection beside what it always says. */
type ConnectionInit = Exclude<MessageInitShape<typeof ConnectionSchema>, Connection>;

const { dev, ino } = statSync('/proc/self/ns/net');
const own = { dev, inode: ino };
const other = { dev, inode: 1 };

const peer = (more: Partial<Peer> = {}): Peer => ({
  pid: process.pid,
  uid: 1000,
  gid: 1000,
  inOwnNamespaces: true,
  origin: 'user 0',
  currentNetns: () => own,
  ...more,
});

/** An endpoint that takes what it is asked, and remembers. */
class FakeEndpoint implements EndpointLink {
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

let folder: string;
let clock: FakeClock;
let wires: MemoryWires;
let book: ConnectionBook;
let manager: Manager;
let healer: Healer;
let lives: (netns: { identity: { inode: number } }) => boolean;
let endpoints: Map<string, FakeEndpoint>;
let offered: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vwire-manager-'));
  clock = new FakeClock();
  wires = new MemoryWires();
  endpoints = new Map(['gateway', 'spare'].map((name) => [name, new FakeEndpoint(name)]));
  offered = ['gateway', 'spare'];
  lives = () => true;
  const log = pino({ level: 'silent' });
  book = new ConnectionBook({ files: new ConnectionFiles(folder), clock, log, maxConnections: 8 });
  const authority = new Authority([]);
  const candidate = (name: string): Candidate => ({
    name,
    target: `unix:///${name}`,
    payload: 'ETHERNET',
    reason: '',
  });
  const directory: Directory = {
    named: (name) => {
      if (!offered.includes(name))
        throw new Failure('not_found', `network service endpoint ${name} not found`);
      return candidate(name);
    },
    candidates: () => offered.map(candidate),
  };
  const links: EndpointLinks = {
    to: ({ name }) => endpoints.get(name) ?? new FakeEndpoint(name),
    retain: () => () => undefined,
    answers: ({ name }) => endpoints.get(name)?.answers ?? false,
  };
  const lifetimes = new Lifetimes(book, clock);
  const chain = forwarder({ name: 'vwire', book, wires, directory, links, authority, lifetimes, clock, log });
  manager = new Manager(chain, book, log);
  healer = new Healer({
    name: 'vwire',
    book,
    manager,
    wires,
    clock,
    log,
    graceMs: 30_000,
    netnsLives: (w) => lives(w),
  });
});
afterEach(() => {
  healer.close();
  rmSync(folder, { recursive: true });
});

const call = (more: Partial<Call> = {}, from: Peer = peer()): Call => ({
  caller: { kind: 'unix', peer: from, stream: { descriptors: { spare: () => undefined } } as never },
  deadline: clock.now() + 15_000,
  signal: new AbortController().signal,
  token: null,
  ...more,
});

const request = (more: ConnectionInit = {}): NetworkServiceRequest =>
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

const again = (connection: Connection): NetworkServiceRequest =>
  create(NetworkServiceRequestSchema, { connection: clone(ConnectionSchema, connection) });

const gateway = (): FakeEndpoint => endpoints.get('gateway') ?? new FakeEndpoint('gateway');
const spare = (): FakeEndpoint => endpoints.get('spare') ?? new FakeEndpoint('spare');
const calls = (kind: string): unknown[] =>
  wires.calls.filter((made) => Object.keys(made as object)[0] === kind);
const settled = (): Promise<void> => clock.advance(0);

describe('a request', () => {
  test('is answered with the interface, the addresses and the whole path', async () => {
    const reply = await manager.request(request(), call());
    expect(reply).toMatchObject({
      id: 'c-0',
      networkServiceEndpointName: 'gateway',
      payload: 'ETHERNET',
      state: State.UP,
      mechanism: {
        type: 'KERNEL',
        parameters: { name: 'nsm-1', inodeURL: `inode://${own.dev}/${own.inode}` },
      },
      path: { index: 0 },
      context: { MTU: 1500 },
    });
    expect(reply.path?.pathSegments.map(({ name }) => name)).toEqual(['client', 'vwire', 'gateway']);
    expect(calls('add')).toMatchObject([
      {
        add: {
          owner: 'connection',
          service: 'web',
          left: { name: 'nsm-1', identity: own, addresses: ['10.0.0.1/32'] },
          right: { name: 'gateway-1', identity: own, addresses: ['10.0.0.0/32'] },
        },
      },
    ]);
    expect(manager.list()).toMatchObject([
      { clientId: 'c-0', service: 'web', endpoint: 'gateway', state: 'up', expires: null, wire: 1 },
    ]);
    expect(gateway().requests[0]?.connection?.mechanism).toBeUndefined();
    expect(gateway().requests[0]?.mechanismPreferences).toMatchObject([{ cls: 'LOCAL', type: 'KERNEL' }]);
  });

  test('that is made again changes nothing, but the endpoint hears of it', async () => {
    const first = await manager.request(request(), call());
    const second = await manager.request(again(first), call());
    expect(second.path?.pathSegments.map(({ id }) => id)).toEqual(
      first.path?.pathSegments.map(({ id }) => id),
    );
    expect(wires.calls.flatMap((made) => Object.keys(made as object))).toEqual(['add', 'restore']);
    expect(gateway().requests).toHaveLength(2);
    expect(gateway().requests[1]?.connection?.mechanism?.parameters.name).toBe('gateway-1');
    expect(manager.list()).toHaveLength(1);
  });

  test('of a client that never heard the answer gets the connection it has', async () => {
    const first = await manager.request(request(), call());
    const second = await manager.request(request(), call());
    expect(second.path?.pathSegments[1]?.id).toBe(first.path?.pathSegments[1]?.id);
    expect(wires.calls.flatMap((made) => Object.keys(made as object))).toEqual(['add', 'restore']);
  });

  test('by somebody else who calls it so gets one of its own', async () => {
    await manager.request(request(), call());
    const stranger = peer({ currentNetns: () => other });
    await expect(manager.request(request(), call({}, stranger))).rejects.toMatchObject({
      code: 'denied',
      field: "mechanism_preferences[0].parameters['inodeURL']",
    });
    expect(manager.list()).toHaveLength(1);
  });

  test('for new addresses changes the wire that is there', async () => {
    const first = await manager.request(request(), call());
    gateway().change = (reply) => {
      reply.context?.ipContext?.srcIpAddrs.push('10.0.0.9/32');
    };
    await manager.request(again(first), call());
    expect(wires.calls.slice(1)).toMatchObject([
      { update: { id: 1 }, change: { left: { addresses: ['10.0.0.1/32', '10.0.0.9/32'] } } },
    ]);
  });

  test('that the first candidate refuses goes to the next', async () => {
    gateway().answers = false;
    const reply = await manager.request(request(), call());
    expect(reply.networkServiceEndpointName).toBe('spare');
  });

  test('that all refuse is told why, and leaves nothing', async () => {
    gateway().answers = false;
    spare().answers = false;
    await expect(manager.request(request(), call())).rejects.toThrow(
      "all candidates have failed: 'gateway': nobody answers at 'gateway'; 'spare': nobody answers at 'spare'",
    );
    expect(manager.list()).toEqual([]);
    expect(readdirSync(connectionsDirectory(folder))).toEqual([]);
  });

  test('for another mechanism is told what is supported', async () => {
    const asked = request();
    asked.mechanismPreferences = [create(MechanismSchema, { cls: 'LOCAL', type: 'MEMIF' })];
    await expect(manager.request(asked, call())).rejects.toMatchObject({
      code: 'unsupported',
      message: 'None of the requested mechanisms (LOCAL MEMIF) is supported: allowed is LOCAL KERNEL',
    });
    asked.mechanismPreferences = [];
    await expect(manager.request(asked, call())).rejects.toThrow('No mechanism is requested');
    expect(manager.list()).toEqual([]);
  });

  test('whose wire cannot be made closes the endpoint and leaves nothing', async () => {
    wires.failNext(
      new Failure('refused', "left.name is 'nsm-1': taken", { field: 'left.name', value: 'nsm-1' }),
    );
    await expect(manager.request(request(), call())).rejects.toThrow("left.name is 'nsm-1': taken");
    expect(gateway().closed).toHaveLength(1);
    expect(spare().requests).toEqual([]);
    expect(manager.list()).toEqual([]);
    expect(readdirSync(connectionsDirectory(folder))).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('that fails later leaves what stood', async () => {
    const first = await manager.request(request(), call());
    gateway().answers = false;
    await expect(manager.request(again(first), call())).rejects.toThrow('nobody answers');
    expect(manager.list()).toMatchObject([{ state: 'up', endpoint: 'gateway' }]);
    expect(manager.list()[0]?.errors).toMatchObject([{ message: "nobody answers at 'gateway'" }]);
    expect(calls('remove')).toEqual([]);
  });

  test('beyond as many as the agent takes is refused', async () => {
    const nth = (n: number): Promise<Connection> =>
      manager.request(
        request({ id: `c-${n}`, path: { pathSegments: [{ name: 'client', id: `c-${n}` }] } }),
        call(),
      );
    for (let n = 0; n < 8; n++) await nth(n);
    await expect(nth(8)).rejects.toThrow('There are 8 connections: this agent takes 8');
  });

  test.each([
    [
      'nothing',
      (reply: Connection) => {
        delete reply.mechanism;
      },
      "connection.mechanism is 'none': LOCAL KERNEL was asked for",
    ],
    [
      'a path of others',
      (reply: Connection) => void reply.path?.pathSegments.splice(0, 1),
      'at segment 0 of its path',
    ],
    [
      'a namespace that is not its own',
      (reply: Connection) => {
        if (reply.mechanism) reply.mechanism.parameters.inodeURL = 'inode://4/1';
      },
      'no descriptor can be passed',
    ],
    [
      'addresses that are none',
      (reply: Connection) => void reply.context?.ipContext?.srcIpAddrs.push('here'),
      "connection.context.ip_context.src_ip_addrs[1] is 'here'",
    ],
  ])('answered with %s is refused', async (_, change, message) => {
    offered = ['gateway'];
    gateway().change = change;
    await expect(manager.request(request(), call())).rejects.toThrow(message);
    expect(manager.list()).toEqual([]);
  });
});

describe('who may ask', () => {
  test('nobody but who may act for the namespace closes its connection', async () => {
    const reply = await manager.request(request(), call());
    const stranger = peer({ currentNetns: () => other, uid: 0, inOwnNamespaces: false });
    await expect(manager.closeFor(reply, call({}, stranger))).rejects.toMatchObject({ code: 'denied' });
    await expect(manager.request(again(reply), call({}, stranger))).rejects.toMatchObject({ code: 'denied' });
    await expect(
      manager.closeFor(reply, call({ caller: { kind: 'tcp', address: '127.0.0.1:5' } })),
    ).rejects.toMatchObject({ code: 'denied' });
    expect(manager.list()).toHaveLength(1);
    const root = peer({ currentNetns: () => other, uid: 0 });
    await manager.closeFor(reply, call({}, root));
    expect(manager.list()).toEqual([]);
  });

  test('who passes a descriptor of the namespace asks for its connection, again, and closes it', async () => {
    const passed: Descriptors[] = [];
    /** On a socket of its own, with no time to wait for what has not come. */
    const socket = (passes: boolean): Partial<Call> => {
      const descriptors = new Descriptors(new Room(8));
      passed.push(descriptors);
      if (passes) descriptors.arrived(openSync('/proc/self/ns/net', 'r'));
      const from = peer({ currentNetns: () => other });
      return { caller: { kind: 'unix', peer: from, stream: { descriptors } as never } };
    };
    const first = call(socket(true));
    const reply = await manager.request(request(), first);
    passed[0]?.close();
    await manager.request(again(reply), first);
    const unproven = call({ ...socket(false), signal: AbortSignal.abort() });
    await expect(manager.closeFor(reply, unproven)).rejects.toMatchObject({
      code: 'denied',
      message: `Connection '${manager.list()[0]?.id}' is another workload's: no sufficient privileges`,
      allowed: "a connection of the caller's own network namespace, or of one whose descriptor it passes",
    });
    const second = call(socket(true));
    // Whoever never heard the answer asks as at first, on another socket.
    expect((await manager.request(request(), second)).path).toEqual(reply.path);
    expect(manager.list()).toHaveLength(1);
    await manager.closeFor(reply, call(socket(true)));
    expect(manager.list()).toEqual([]);
    for (const descriptors of passed) descriptors.close();
  });
});

describe('closing', () => {
  test('takes down the wire, then tells the endpoint, and is success when repeated', async () => {
    const reply = await manager.request(request(), call());
    await manager.closeFor(reply, call());
    expect(wires.list()).toEqual([]);
    expect(gateway().closed).toMatchObject([{ mechanism: { parameters: { name: 'gateway-1' } } }]);
    expect(readdirSync(connectionsDirectory(folder))).toEqual([]);
    await manager.closeFor(reply, call());
    expect(gateway().closed).toHaveLength(1);
  });

  test('waits for a request under way', async () => {
    const open = wires.hold();
    const asked = manager.request(request(), call());
    await settled();
    const id = manager.list()[0]?.id ?? '';
    const closed = manager.close(id);
    open();
    await asked;
    await closed;
    expect(manager.list()).toEqual([]);
    expect(wires.list()).toEqual([]);
  });

  test('of a caller that has gone before it was answered happens by itself', async () => {
    const gone = new AbortController();
    const open = wires.hold();
    const asked = manager.request(request(), call({ signal: gone.signal }));
    await settled();
    gone.abort();
    open();
    await expect(asked).rejects.toMatchObject({ code: 'timeout' });
    expect(manager.list()).toEqual([]);
    expect(wires.list()).toEqual([]);
  });
});

describe('how long a connection lasts', () => {
  const token = (ms: number): Call['token'] => ({ token: 'secret', expires: new Date(clock.now() + ms) });

  test('as long as its token, less what its call could still take', async () => {
    await manager.request(request(), call({ token: token(60_000) }));
    await clock.advance(44_999);
    expect(manager.list()).toHaveLength(1);
    await clock.advance(1);
    expect(manager.list()).toEqual([]);
    expect(gateway().closed).toHaveLength(1);
  });

  test('longer, when it is asked for again', async () => {
    const reply = await manager.request(request(), call({ token: token(60_000) }));
    await clock.advance(40_000);
    await manager.request(again(reply), call({ token: token(60_000) }));
    await clock.advance(44_999);
    expect(manager.list()).toHaveLength(1);
    await clock.advance(1);
    expect(manager.list()).toEqual([]);
  });

  test('without a token, as long as its client gives it', async () => {
    const expires = timestampFromMs(clock.now() + 5_000);
    await manager.request(
      request({ path: { pathSegments: [{ name: 'client', id: 'c-0', expires }] } }),
      call(),
    );
    await clock.advance(4_999);
    expect(manager.list()).toHaveLength(1);
    await clock.advance(1);
    expect(manager.list()).toEqual([]);
  });

  test('with neither, without end', async () => {
    await manager.request(request(), call());
    await clock.advance(10 * 86_400_000);
    expect(manager.list()).toHaveLength(1);
  });

  test('a token that has ended is refused before anything is made', async () => {
    await expect(manager.request(request(), call({ token: token(-1) }))).rejects.toMatchObject({
      code: 'denied',
    });
    expect(wires.calls).toEqual([]);
    expect(gateway().requests).toEqual([]);
  });

  test('the token is kept out of what others see', async () => {
    await manager.request(request(), call({ token: token(60_000) }));
    expect(JSON.stringify(manager.list())).not.toContain('secret');
  });
});

describe('when a side ends', () => {
  const changes = (): string[] => told;
  let told: string[];
  beforeEach(() => {
    told = [];
    manager.subscribe(({ type }) => told.push(type));
  });

  test('the client’s: the connection is closed and the endpoint told', async () => {
    await manager.request(request(), call());
    lives = () => false;
    wires.lose(1, 'the namespace of its left port ended');
    await settled();
    expect(manager.list()).toEqual([]);
    expect(gateway().closed).toHaveLength(1);
  });

  test('the endpoint’s: DOWN, and after the grace another one', async () => {
    await manager.request(request(), call());
    wires.lose(1, 'the namespace of its right port ended');
    gateway().answers = false;
    await settled();
    expect(manager.list()).toMatchObject([{ state: 'down', endpoint: 'gateway' }]);
    await clock.advance(29_999);
    expect(manager.list()).toMatchObject([{ state: 'down' }]);
    await clock.advance(1);
    expect(manager.list()).toMatchObject([{ state: 'up', endpoint: 'spare' }]);
    expect(changes()).toEqual(['opened', 'down', 'healed']);
    expect(wires.list()).toHaveLength(1);
  });

  test('and no other one is there: closed after the grace', async () => {
    await manager.request(request(), call());
    offered = ['gateway'];
    gateway().answers = false;
    healer.endpointGone('gateway', 'its stream ended');
    await settled();
    expect(manager.list()).toMatchObject([{ state: 'down' }]);
    expect(wires.list()).toHaveLength(1);
    await clock.advance(30_000);
    expect(manager.list()).toEqual([]);
    expect(wires.list()).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test('the endpoint is back under its name within the grace', async () => {
    await manager.request(request(), call());
    healer.endpointGone('gateway', 'its stream ended');
    await clock.advance(29_999);
    healer.endpointBack('gateway');
    await settled();
    expect(manager.list()).toMatchObject([{ state: 'up', endpoint: 'gateway' }]);
    // One that has forgotten all can answer as it did.
    expect(gateway().requests.at(-1)?.connection?.context).toMatchObject({
      MTU: 1500,
      ipContext: { srcIpAddrs: ['10.0.0.1/32'], dstIpAddrs: ['10.0.0.0/32'] },
    });
    await clock.advance(60_000);
    expect(manager.list()).toMatchObject([{ state: 'up', endpoint: 'gateway' }]);
    expect(clock.pending).toBe(0);
  });

  test('a client that asks again while it is down is healed at once', async () => {
    const reply = await manager.request(request(), call());
    healer.endpointGone('gateway', 'its stream ended');
    await settled();
    await manager.request(again(reply), call());
    expect(manager.list()).toMatchObject([{ state: 'up' }]);
    expect(clock.pending).toBe(0);
  });

  test('news of the endpoint is applied', async () => {
    await manager.request(request(), call());
    gateway().change = (reply) => {
      reply.context?.ipContext?.srcIpAddrs.push('10.0.0.9/32');
    };
    const [connection] = book.all();
    const news = clone(ConnectionSchema, connection?.established?.reply ?? create(ConnectionSchema));
    void healer.endpointNews('gateway', news, false);
    void healer.endpointNews('spare', create(ConnectionSchema, { ...news, state: State.DOWN }), false);
    await settled();
    expect(calls('update')).toEqual([]);
    news.state = State.REFRESH_REQUESTED;
    void healer.endpointNews('gateway', news, false);
    await settled();
    expect(calls('update')).toHaveLength(1);
  });

  test('the endpoint’s, and the wire is left with the client’s side: that one stays for the next endpoint', async () => {
    const reply = await manager.request(request(), call());
    const [wire] = wires.list();
    lives = () => false;
    wires.tell({ type: 'port_lost', wire: wire?.id ?? 0, connection: manager.list()[0]?.id ?? '' });
    await settled();
    expect(manager.list()).toMatchObject([{ state: 'down' }]);
    expect(wires.list()).toHaveLength(1);
    offered = ['spare'];
    await clock.advance(30_000);
    expect(manager.list()).toMatchObject([{ state: 'up', endpoint: 'spare' }]);
    expect(wires.list()).toMatchObject([{ id: wire?.id }]);
    expect(calls('moveSide')).toMatchObject([{ side: 'right', to: { name: 'spare-1' } }]);
    expect([calls('add').length, calls('remove').length]).toEqual([1, 0]);
    await manager.closeFor(reply, call());
    expect(wires.list()).toEqual([]);
  });

  test('the endpoint’s, and the next one’s side cannot be made: the one after that is asked', async () => {
    await manager.request(request(), call());
    const [wire] = wires.list();
    endpoints.set('third', new FakeEndpoint('third'));
    lives = () => false;
    wires.failNext(new Failure('refused', 'no', { field: 'right.name' }));
    wires.tell({ type: 'port_lost', wire: wire?.id ?? 0, connection: manager.list()[0]?.id ?? '' });
    await settled();
    offered = ['spare', 'third'];
    await clock.advance(30_000);
    expect(manager.list()).toMatchObject([{ state: 'up', endpoint: 'third' }]);
    expect(wires.list()).toMatchObject([{ id: wire?.id }]);
  });

  test('the endpoint lets the connection go: DOWN', async () => {
    await manager.request(request(), call());
    const [connection] = book.all();
    const told = clone(ConnectionSchema, connection?.established?.reply ?? create(ConnectionSchema));
    void healer.endpointNews('gateway', told, true);
    await settled();
    expect(manager.list()).toMatchObject([{ state: 'down' }]);
  });
});
