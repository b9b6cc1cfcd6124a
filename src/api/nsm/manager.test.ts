import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { create } from '@bufbuild/protobuf';
import { openSync, readdirSync } from 'node:fs';
import { again, Cast, own, peer, request } from '../../../test/nsm/cast.ts';
import { Failure } from '../../features/failure.ts';
import { Descriptors } from '../../net/unix/descriptors.ts';
import { Room } from '../../net/unix/room.ts';
import { connectionsDirectory } from '../../state/view.ts';
import type { Call } from './grpc/services.ts';
import { MechanismSchema, State, type Connection } from './proto/connection_pb.ts';

const other = { dev: own.dev, inode: 1 };
let cast: Cast;
beforeEach(() => {
  cast = new Cast();
});
afterEach(() => {
  cast.close();
});

describe('a request', () => {
  test('is answered with the interface, the addresses and the whole path', async () => {
    const reply = await cast.manager.request(request(), cast.call());
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
    expect(cast.calls('add')).toMatchObject([
      {
        add: {
          owner: 'connection',
          service: 'web',
          left: { name: 'nsm-1', identity: own, addresses: ['10.0.0.1/32'] },
          right: { name: 'gateway-1', identity: own, addresses: ['10.0.0.0/32'] },
        },
      },
    ]);
    expect(cast.manager.list()).toMatchObject([
      { clientId: 'c-0', service: 'web', endpoint: 'gateway', state: 'up', expires: null, wire: 1 },
    ]);
    expect(cast.gateway.requests[0]?.connection?.mechanism).toBeUndefined();
    expect(cast.gateway.requests[0]?.mechanismPreferences).toMatchObject([{ cls: 'LOCAL', type: 'KERNEL' }]);
  });

  test('that is made again changes nothing, but the endpoint hears of it', async () => {
    const first = await cast.manager.request(request(), cast.call());
    const second = await cast.manager.request(again(first), cast.call());
    expect(second.path?.pathSegments.map(({ id }) => id)).toEqual(
      first.path?.pathSegments.map(({ id }) => id),
    );
    expect(cast.wires.calls.flatMap((made) => Object.keys(made as object))).toEqual(['add', 'restore']);
    expect(cast.gateway.requests).toHaveLength(2);
    expect(cast.gateway.requests[1]?.connection?.mechanism?.parameters.name).toBe('gateway-1');
    expect(cast.manager.list()).toHaveLength(1);
  });

  test('of a client that never heard the answer gets the connection it has', async () => {
    const first = await cast.manager.request(request(), cast.call());
    const second = await cast.manager.request(request(), cast.call());
    expect(second.path?.pathSegments[1]?.id).toBe(first.path?.pathSegments[1]?.id);
    expect(cast.wires.calls.flatMap((made) => Object.keys(made as object))).toEqual(['add', 'restore']);
  });

  test('by somebody else who calls it so gets one of its own', async () => {
    await cast.manager.request(request(), cast.call());
    const stranger = peer({ currentNetns: () => other });
    await expect(cast.manager.request(request(), cast.call({}, stranger))).rejects.toMatchObject({
      code: 'denied',
      field: "mechanism_preferences[0].parameters['inodeURL']",
    });
    expect(cast.manager.list()).toHaveLength(1);
  });

  test('for new addresses changes the wire that is there', async () => {
    const first = await cast.manager.request(request(), cast.call());
    cast.gateway.change = (reply) => {
      reply.context?.ipContext?.srcIpAddrs.push('10.0.0.9/32');
    };
    await cast.manager.request(again(first), cast.call());
    expect(cast.wires.calls.slice(1)).toMatchObject([
      { update: { id: 1 }, change: { left: { addresses: ['10.0.0.1/32', '10.0.0.9/32'] } } },
    ]);
  });

  test('that the first candidate refuses goes to the next', async () => {
    cast.gateway.answers = false;
    const reply = await cast.manager.request(request(), cast.call());
    expect(reply.networkServiceEndpointName).toBe('spare');
  });

  test('that all refuse is told why, and leaves nothing', async () => {
    cast.gateway.answers = false;
    cast.spare.answers = false;
    await expect(cast.manager.request(request(), cast.call())).rejects.toThrow(
      "all candidates have failed: 'gateway': nobody answers at 'gateway'; 'spare': nobody answers at 'spare'",
    );
    expect(cast.manager.list()).toEqual([]);
    expect(readdirSync(connectionsDirectory(cast.folder))).toEqual([]);
  });

  test('for another mechanism is told what is supported', async () => {
    const asked = request();
    asked.mechanismPreferences = [create(MechanismSchema, { cls: 'LOCAL', type: 'MEMIF' })];
    await expect(cast.manager.request(asked, cast.call())).rejects.toMatchObject({
      code: 'unsupported',
      message: 'None of the requested mechanisms (LOCAL MEMIF) is supported: allowed is LOCAL KERNEL',
    });
    asked.mechanismPreferences = [];
    await expect(cast.manager.request(asked, cast.call())).rejects.toThrow('No mechanism is requested');
    expect(cast.manager.list()).toEqual([]);
  });

  test('whose wire cannot be made closes the endpoint and leaves nothing', async () => {
    cast.wires.failNext(
      new Failure('refused', "left.name is 'nsm-1': taken", { field: 'left.name', value: 'nsm-1' }),
    );
    await expect(cast.manager.request(request(), cast.call())).rejects.toThrow("left.name is 'nsm-1': taken");
    expect(cast.gateway.closed).toHaveLength(1);
    expect(cast.spare.requests).toEqual([]);
    expect(cast.manager.list()).toEqual([]);
    expect(readdirSync(connectionsDirectory(cast.folder))).toEqual([]);
    expect(cast.clock.pending).toBe(0);
  });

  test('that fails later leaves what stood', async () => {
    const first = await cast.manager.request(request(), cast.call());
    cast.gateway.answers = false;
    await expect(cast.manager.request(again(first), cast.call())).rejects.toThrow('nobody answers');
    expect(cast.manager.list()).toMatchObject([{ state: 'up', endpoint: 'gateway' }]);
    expect(cast.manager.list()[0]?.errors).toMatchObject([{ message: "nobody answers at 'gateway'" }]);
    expect(cast.calls('remove')).toEqual([]);
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
    cast.offered = ['gateway'];
    cast.gateway.change = change;
    await expect(cast.manager.request(request(), cast.call())).rejects.toThrow(message);
    expect(cast.manager.list()).toEqual([]);
  });
});

describe('who may ask', () => {
  test('nobody but who may act for the namespace closes its connection', async () => {
    const reply = await cast.manager.request(request(), cast.call());
    const stranger = peer({ currentNetns: () => other, uid: 0, inOwnNamespaces: false });
    await expect(cast.manager.closeFor(reply, cast.call({}, stranger))).rejects.toMatchObject({
      code: 'denied',
    });
    await expect(cast.manager.request(again(reply), cast.call({}, stranger))).rejects.toMatchObject({
      code: 'denied',
    });
    await expect(
      cast.manager.closeFor(reply, cast.call({ caller: { kind: 'tcp', address: '127.0.0.1:5' } })),
    ).rejects.toMatchObject({ code: 'denied' });
    expect(cast.manager.list()).toHaveLength(1);
    const root = peer({ currentNetns: () => other, uid: 0 });
    await cast.manager.closeFor(reply, cast.call({}, root));
    expect(cast.manager.list()).toEqual([]);
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
    const first = cast.call(socket(true));
    const reply = await cast.manager.request(request(), first);
    passed[0]?.close();
    await cast.manager.request(again(reply), first);
    const unproven = cast.call({ ...socket(false), signal: AbortSignal.abort() });
    await expect(cast.manager.closeFor(reply, unproven)).rejects.toMatchObject({
      code: 'denied',
      message: `Connection '${cast.manager.list()[0]?.id}' is another workload's: no sufficient privileges`,
      allowed: "a connection of the caller's own network namespace, or of one whose descriptor it passes",
    });
    const second = cast.call(socket(true));
    // Whoever never heard the answer asks as at first, on another socket.
    expect((await cast.manager.request(request(), second)).path).toEqual(reply.path);
    expect(cast.manager.list()).toHaveLength(1);
    await cast.manager.closeFor(reply, cast.call(socket(true)));
    expect(cast.manager.list()).toEqual([]);
    for (const descriptors of passed) descriptors.close();
  });
});

describe('closing', () => {
  test('takes down the wire, then tells the endpoint, and is success when repeated', async () => {
    const reply = await cast.manager.request(request(), cast.call());
    await cast.manager.closeFor(reply, cast.call());
    expect(cast.wires.list()).toEqual([]);
    expect(cast.gateway.closed).toMatchObject([{ mechanism: { parameters: { name: 'gateway-1' } } }]);
    expect(readdirSync(connectionsDirectory(cast.folder))).toEqual([]);
    await cast.manager.closeFor(reply, cast.call());
    expect(cast.gateway.closed).toHaveLength(1);
  });

  test('waits for a request under way', async () => {
    const open = cast.wires.hold();
    const asked = cast.manager.request(request(), cast.call());
    await cast.settled();
    const id = cast.manager.list()[0]?.id ?? '';
    const closed = cast.manager.close(id);
    open();
    await asked;
    await closed;
    expect(cast.manager.list()).toEqual([]);
    expect(cast.wires.list()).toEqual([]);
  });

  test('of a caller that has gone before it was answered happens by itself', async () => {
    const gone = new AbortController();
    const open = cast.wires.hold();
    const asked = cast.manager.request(request(), cast.call({ signal: gone.signal }));
    await cast.settled();
    gone.abort();
    open();
    await expect(asked).rejects.toMatchObject({ code: 'timeout' });
    expect(cast.manager.list()).toEqual([]);
    expect(cast.wires.list()).toEqual([]);
  });
});
