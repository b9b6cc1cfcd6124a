import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { clone, create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { again, Cast, FakeEndpoint, request } from '../../../test/nsm/cast.ts';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../../features/failure.ts';
import { connectionsDirectory, readConnectionRecords } from '../../state/view.ts';
import type { Call } from './grpc/services.ts';
import { ConnectionSchema, State } from './proto/connection_pb.ts';

let cast: Cast;
beforeEach(() => {
  cast = new Cast();
});
afterEach(() => {
  cast.close();
});

describe('how long a connection lasts', () => {
  const token = (ms: number): Call['token'] => ({
    token: 'secret',
    expires: new Date(cast.clock.now() + ms),
  });

  test('as long as its token, less what its call could still take', async () => {
    await cast.manager.request(request(), cast.call({ token: token(60_000) }));
    await cast.clock.advance(44_999);
    expect(cast.manager.list()).toHaveLength(1);
    await cast.clock.advance(1);
    expect(cast.manager.list()).toEqual([]);
    expect(cast.gateway.closed).toHaveLength(1);
  });

  test('longer, when it is asked for again', async () => {
    const reply = await cast.manager.request(request(), cast.call({ token: token(60_000) }));
    await cast.clock.advance(40_000);
    await cast.manager.request(again(reply), cast.call({ token: token(60_000) }));
    await cast.clock.advance(44_999);
    expect(cast.manager.list()).toHaveLength(1);
    await cast.clock.advance(1);
    expect(cast.manager.list()).toEqual([]);
  });

  test('without a token, as long as its client gives it', async () => {
    const expires = timestampFromMs(cast.clock.now() + 5_000);
    await cast.manager.request(
      request({ path: { pathSegments: [{ name: 'client', id: 'c-0', expires }] } }),
      cast.call(),
    );
    await cast.clock.advance(4_999);
    expect(cast.manager.list()).toHaveLength(1);
    await cast.clock.advance(1);
    expect(cast.manager.list()).toEqual([]);
  });

  test('with neither, without end', async () => {
    await cast.manager.request(request(), cast.call());
    await cast.clock.advance(10 * 86_400_000);
    expect(cast.manager.list()).toHaveLength(1);
  });

  test('a token that has ended is refused before anything is made', async () => {
    await expect(cast.manager.request(request(), cast.call({ token: token(-1) }))).rejects.toMatchObject({
      code: 'denied',
    });
    expect(cast.wires.calls).toEqual([]);
    expect(cast.gateway.requests).toEqual([]);
  });

  describe('its file', () => {
    const written = (): bigint =>
      statSync(join(connectionsDirectory(cast.folder), `${cast.manager.list()[0]?.id ?? ''}.json`), {
        bigint: true,
      }).mtimeNs;
    const told = (): string[] =>
      readConnectionRecords(cast.folder).records.map(({ expires }) => expires ?? 'never');
    const shown = (): string[] => cast.manager.list().map(({ expires }) => expires ?? 'never');

    test('tells the end exactly before it is asked for again', async () => {
      await cast.manager.request(request(), cast.call({ token: token(60_000) }));
      expect(told()).toEqual(shown());
    });

    test('lasts for some refreshes, and never tells an earlier end than was promised', async () => {
      let reply = await cast.manager.request(request(), cast.call({ token: token(60_000) }));
      const files = new Set<bigint>();
      for (let i = 0; i < 12; i++) {
        await cast.clock.advance(10_000);
        reply = await cast.manager.request(again(reply), cast.call({ token: token(60_000) }));
        files.add(written());
        const [end = ''] = told();
        expect([end]).toEqual([end].filter((at) => at >= (shown()[0] ?? '')));
        expect(Date.parse(end) - cast.clock.now()).toBeLessThanOrEqual(90_000);
      }
      expect(files.size).toBeGreaterThan(2);
      expect(files.size).toBeLessThan(7);
    });

    test('is written anew with what is new', async () => {
      let reply = await cast.manager.request(request(), cast.call({ token: token(60_000) }));
      for (let i = 0; i < 2; i++)
        reply = await cast.manager.request(again(reply), cast.call({ token: token(60_000) }));
      const before = written();
      cast.gateway.change = (answer) => {
        answer.labels.rack = '7';
      };
      await cast.manager.request(again(reply), cast.call({ token: token(60_000) }));
      expect(written()).not.toBe(before);
      expect(readConnectionRecords(cast.folder).records).toMatchObject([{ labels: { rack: '7' } }]);
    });
  });

  test('the token is kept out of what others see', async () => {
    await cast.manager.request(request(), cast.call({ token: token(60_000) }));
    expect(JSON.stringify(cast.manager.list())).not.toContain('secret');
  });
});

describe('when a side ends', () => {
  const changes = (): string[] => told;
  let told: string[];
  beforeEach(() => {
    told = [];
    cast.manager.subscribe(({ type }) => told.push(type));
  });

  test('the client’s: the connection is closed and the endpoint told', async () => {
    await cast.manager.request(request(), cast.call());
    cast.lives = () => false;
    cast.wires.lose(1, 'the namespace of its left port ended');
    await cast.settled();
    expect(cast.manager.list()).toEqual([]);
    expect(cast.gateway.closed).toHaveLength(1);
  });

  test('the endpoint’s: DOWN, and after the grace another one', async () => {
    await cast.manager.request(request(), cast.call());
    cast.wires.lose(1, 'the namespace of its right port ended');
    cast.gateway.answers = false;
    await cast.settled();
    expect(cast.manager.list()).toMatchObject([{ state: 'down', endpoint: 'gateway' }]);
    await cast.clock.advance(29_999);
    expect(cast.manager.list()).toMatchObject([{ state: 'down' }]);
    await cast.clock.advance(1);
    expect(cast.manager.list()).toMatchObject([{ state: 'up', endpoint: 'spare' }]);
    expect(changes()).toEqual(['opened', 'down', 'healed']);
    expect(cast.wires.list()).toHaveLength(1);
  });

  test('and no other one is there: closed after the grace', async () => {
    await cast.manager.request(request(), cast.call());
    cast.offered = ['gateway'];
    cast.gateway.answers = false;
    cast.healer.endpointGone('gateway', 'its stream ended');
    await cast.settled();
    expect(cast.manager.list()).toMatchObject([{ state: 'down' }]);
    expect(cast.wires.list()).toHaveLength(1);
    await cast.clock.advance(30_000);
    expect(cast.manager.list()).toEqual([]);
    expect(cast.wires.list()).toEqual([]);
    expect(cast.clock.pending).toBe(0);
  });

  test('the endpoint is back under its name within the grace', async () => {
    await cast.manager.request(request(), cast.call());
    cast.healer.endpointGone('gateway', 'its stream ended');
    await cast.clock.advance(29_999);
    cast.healer.endpointBack('gateway');
    await cast.settled();
    expect(cast.manager.list()).toMatchObject([{ state: 'up', endpoint: 'gateway' }]);
    // One that has forgotten all can answer as it did.
    expect(cast.gateway.requests.at(-1)?.connection?.context).toMatchObject({
      MTU: 1500,
      ipContext: { srcIpAddrs: ['10.0.0.1/32'], dstIpAddrs: ['10.0.0.0/32'] },
    });
    await cast.clock.advance(60_000);
    expect(cast.manager.list()).toMatchObject([{ state: 'up', endpoint: 'gateway' }]);
    expect(cast.clock.pending).toBe(0);
  });

  test('a client that asks again while it is down is healed at once', async () => {
    const reply = await cast.manager.request(request(), cast.call());
    cast.healer.endpointGone('gateway', 'its stream ended');
    await cast.settled();
    await cast.manager.request(again(reply), cast.call());
    expect(cast.manager.list()).toMatchObject([{ state: 'up' }]);
    expect(cast.clock.pending).toBe(0);
  });

  test('news of the endpoint is applied', async () => {
    await cast.manager.request(request(), cast.call());
    cast.gateway.change = (reply) => {
      reply.context?.ipContext?.srcIpAddrs.push('10.0.0.9/32');
    };
    const [connection] = cast.book.all();
    const news = clone(ConnectionSchema, connection?.established?.reply ?? create(ConnectionSchema));
    void cast.healer.endpointNews('gateway', news, false);
    void cast.healer.endpointNews('spare', create(ConnectionSchema, { ...news, state: State.DOWN }), false);
    await cast.settled();
    expect(cast.calls('update')).toEqual([]);
    news.state = State.REFRESH_REQUESTED;
    void cast.healer.endpointNews('gateway', news, false);
    await cast.settled();
    expect(cast.calls('update')).toHaveLength(1);
  });

  test('the endpoint’s, and the wire is left with the client’s side: that one stays for the next endpoint', async () => {
    const reply = await cast.manager.request(request(), cast.call());
    const [wire] = cast.wires.list();
    cast.lives = () => false;
    cast.wires.tell({ type: 'port_lost', wire: wire?.id ?? 0, connection: cast.manager.list()[0]?.id ?? '' });
    await cast.settled();
    expect(cast.manager.list()).toMatchObject([{ state: 'down' }]);
    expect(cast.wires.list()).toHaveLength(1);
    cast.offered = ['spare'];
    await cast.clock.advance(30_000);
    expect(cast.manager.list()).toMatchObject([{ state: 'up', endpoint: 'spare' }]);
    expect(cast.wires.list()).toMatchObject([{ id: wire?.id }]);
    expect(cast.calls('moveSide')).toMatchObject([{ side: 'right', to: { name: 'spare-1' } }]);
    expect([cast.calls('add').length, cast.calls('remove').length]).toEqual([1, 0]);
    await cast.manager.closeFor(reply, cast.call());
    expect(cast.wires.list()).toEqual([]);
  });

  test('the endpoint’s, and the next one’s side cannot be made: the one after that is asked', async () => {
    await cast.manager.request(request(), cast.call());
    const [wire] = cast.wires.list();
    cast.endpoints.set('third', new FakeEndpoint('third'));
    cast.lives = () => false;
    cast.wires.failNext(new Failure('refused', 'no', { field: 'right.name' }));
    cast.wires.tell({ type: 'port_lost', wire: wire?.id ?? 0, connection: cast.manager.list()[0]?.id ?? '' });
    await cast.settled();
    cast.offered = ['spare', 'third'];
    await cast.clock.advance(30_000);
    expect(cast.manager.list()).toMatchObject([{ state: 'up', endpoint: 'third' }]);
    expect(cast.wires.list()).toMatchObject([{ id: wire?.id }]);
  });

  test('the endpoint lets the connection go: DOWN', async () => {
    await cast.manager.request(request(), cast.call());
    const [connection] = cast.book.all();
    const told = clone(ConnectionSchema, connection?.established?.reply ?? create(ConnectionSchema));
    void cast.healer.endpointNews('gateway', told, true);
    await cast.settled();
    expect(cast.manager.list()).toMatchObject([{ state: 'down' }]);
  });
});
