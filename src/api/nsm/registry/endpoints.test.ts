import { clone } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs, type Timestamp } from '@bufbuild/protobuf/wkt';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '../../../../test/fake/clock.ts';
import { endpoint } from '../../../../test/nsm/records.ts';
import { NetworkServiceEndpointSchema } from '../proto/registry_pb.ts';
import { Endpoints } from './endpoints.ts';
import { maxName } from '../limits.ts';
import { maxEndpointsPerOwner, maxLifeMs } from './limits.ts';

const owner = 'netns 4:1';
const other = { owner: 'netns 4:2' };
const ms = (time: Timestamp | undefined): number | null => (time === undefined ? null : timestampMs(time));

let clock: FakeClock;
let endpoints: Endpoints;
let gone: string[];
beforeEach(() => {
  clock = new FakeClock();
  gone = [];
  endpoints = new Endpoints(clock, (name, services) => gone.push(`${name}: ${services.join()}`));
});
const names = (): string[] => endpoints.list().map(({ record }) => record.name);

describe('registering', () => {
  test('answers with what is kept, with its times', () => {
    const kept = endpoints.register(endpoint('e', { app: 'x' }, { url: 'unix:///e' }), { owner });
    expect(kept).toMatchObject({
      name: 'e',
      url: 'unix:///e',
      networkServiceLabels: { a: { labels: { app: 'x' } } },
    });
    expect(ms(kept.initialRegistrationTime)).toBe(clock.now());
    expect(ms(kept.expirationTime)).toBe(clock.now() + maxLifeMs);
    expect(endpoints.get('e')).toEqual({
      record: kept,
      owner,
      target: 'unix:///e',
      hosted: false,
      expires: clock.now() + maxLifeMs,
    });
  });

  test('leaves what was given as it was, and what is kept cannot be changed', () => {
    const given = endpoint('e');
    const kept = endpoints.register(given, { owner });
    expect(given).toEqual(endpoint('e'));
    expect(() => {
      kept.networkServiceNames.push('b');
    }).toThrow('not extensible');
    clone(NetworkServiceEndpointSchema, kept).networkServiceNames.push('b');
    expect(endpoints.get('e')?.record.networkServiceNames).toEqual(['a']);
  });

  test('draws a name where there is none', () => {
    const drawn = [
      endpoints.register(endpoint(''), { owner }).name,
      endpoints.register(endpoint(''), { owner }).name,
    ];
    expect(new Set(drawn).size).toBe(2);
    for (const name of drawn) expect(name).toMatch(/^nse-a-[0-9a-f]{10}$/);
    expect(endpoints.register(endpoint('', {}, { networkServiceNames: [] }), { owner }).name).toMatch(
      /^nse-[0-9a-f]{10}$/,
    );
    const service = 'x'.repeat(maxName);
    expect(
      endpoints.register(endpoint('', {}, { networkServiceNames: [service] }), { owner }).name,
    ).toHaveLength(maxName);
  });

  test('again replaces, in its place, and keeps the first time', async () => {
    for (const name of ['e', 'f']) endpoints.register(endpoint(name), { owner });
    const first = clock.now();
    await clock.advance(1000);
    const kept = endpoints.register(endpoint('e', { app: 'y' }), { owner });
    expect(ms(kept.initialRegistrationTime)).toBe(first);
    expect(names()).toEqual(['e', 'f']);
    expect(endpoints.serving('a').map(({ name }) => name)).toEqual(['e', 'f']);
    expect(endpoints.get('e')?.record.networkServiceLabels.a?.labels).toEqual({ app: 'y' });
  });

  test('with other services leaves the former', () => {
    endpoints.register(endpoint('e', {}, { networkServiceNames: ['a', 'b'] }), { owner });
    endpoints.register(endpoint('e', {}, { networkServiceNames: ['b', 'c'] }), { owner });
    expect(['a', 'b', 'c'].map((s) => endpoints.serving(s).length)).toEqual([0, 1, 1]);
    expect(gone).toEqual(['e: ', 'e: a']);
  });

  test('what is refused changes nothing', () => {
    endpoints.register(endpoint('e'), { owner });
    expect(() => endpoints.register(endpoint('e', { 'a b': '' }), { owner })).toThrow('has the label "a b"');
    expect(endpoints.get('e')?.record.networkServiceLabels.a?.labels).toEqual({});
  });
});

describe('an end', () => {
  const at = (end: number): { expirationTime: Timestamp } => ({ expirationTime: timestampFromMs(end) });

  test.each<[string, number | null, number | null, number]>([
    ['at most', null, null, maxLifeMs],
    ['asked for', 1000, null, 1000],
    ['asked for too late', 2 * maxLifeMs, null, maxLifeMs],
    ['of the token', null, 5000, 5000],
    ['of the token, before what is asked for', 6000, 5000, 5000],
    ['asked for, before that of the token', 5000, 6000, 5000],
  ])('%s', async (_, asked, token, life) => {
    const begin = clock.now();
    const terms = { owner, tokenExpires: token === null ? null : begin + token };
    const kept = endpoints.register(endpoint('e', {}, asked === null ? {} : at(begin + asked)), terms);
    expect(ms(kept.expirationTime)).toBe(begin + life);
    await clock.advance(life - 1);
    expect([names(), endpoints.serving('a').length, endpoints.isServedBy('a', owner)]).toEqual([
      ['e'],
      1,
      true,
    ]);
    await clock.advance(1);
    expect([names(), endpoints.serving('a').length, endpoints.isServedBy('a', owner)]).toEqual([
      [],
      0,
      false,
    ]);
    expect(endpoints.get('e')).toBeNull();
    expect(gone).toEqual(['e: ', 'e: a']);
    expect(clock.pending).toBe(0);
  });

  test('is put off by registering again', async () => {
    endpoints.register(endpoint('e'), { owner });
    for (let i = 0; i < 5; i += 1) {
      await clock.advance(maxLifeMs - 1);
      endpoints.register(endpoint('e'), { owner });
    }
    expect([names(), clock.pending]).toEqual([['e'], 1]);
    await clock.advance(maxLifeMs);
    expect(names()).toEqual([]);
  });

  test('is not drawn nearer by who sends the last answer again', async () => {
    let last = endpoints.register(endpoint('e'), { owner });
    for (let i = 0; i < 5; i += 1) {
      await clock.advance(40_000);
      last = endpoints.register(last, { owner });
      expect(ms(last.expirationTime)).toBe(clock.now() + maxLifeMs);
    }
  });

  test('that was asked for stays when it is asked for again', async () => {
    const asked = endpoint('e', {}, at(clock.now() + 50_000));
    const first = endpoints.register(asked, { owner });
    await clock.advance(20_000);
    expect(endpoints.register(asked, { owner }).expirationTime).toEqual(first.expirationTime);
  });

  test('never comes for what the agent answers for', async () => {
    const terms = { owner: 'agent', neverExpires: true };
    const kept = endpoints.register(endpoint('e', {}, at(clock.now() + 1)), terms);
    expect([kept.expirationTime, endpoints.get('e')?.expires]).toEqual([undefined, null]);
    await clock.advance(2 ** 40);
    expect(names()).toEqual(['e']);
    expect(clock.pending).toBe(0);
  });

  test('in the past is refused', () => {
    const now = new Date(clock.now()).toISOString();
    expect(() => endpoints.register(endpoint('e', {}, at(clock.now())), { owner })).toThrow(
      `Field 'expiration_time' ends at ${now}, which is past: allowed is after ${now}`,
    );
    expect(() => endpoints.register(endpoint('e'), { owner, tokenExpires: clock.now() - 1 })).toThrow(
      "Field 'token' ends at 2026-01-02T03:04:04.999Z, which is past",
    );
    const never = { expirationTime: { seconds: -(2n ** 62n) } };
    expect(() => endpoints.register(endpoint('e', {}, never), { owner })).toThrow(
      "Field 'expiration_time' ends at -4",
    );
    expect(names()).toEqual([]);
  });

  test('of a clock that was set back waits for the clock', async () => {
    class Settable extends FakeClock {
      behind = 0;
      override now(): number {
        return super.now() - this.behind;
      }
    }
    const settable = new Settable();
    const late = new Endpoints(settable, () => undefined);
    late.register(endpoint('e'), { owner });
    settable.behind = 10_000;
    await settable.advance(maxLifeMs);
    expect(late.list()).toHaveLength(1);
    await settable.advance(9_999);
    expect(late.list()).toHaveLength(1);
    await settable.advance(1);
    expect([late.list(), settable.pending]).toEqual([[], 0]);
  });
});

describe('a name', () => {
  const denied =
    "network service endpoint 'e' belongs to another workload: allowed is another name, or this one from 2026-01-02T03:05:05.000Z on, if it is not renewed";

  test("is another's until it lapses", async () => {
    endpoints.register(endpoint('e'), { owner });
    await clock.advance(maxLifeMs - 1);
    expect(() => endpoints.register(endpoint('e', { app: 'evil' }), other)).toThrow(denied);
    expect(() => {
      endpoints.unregister('e', other);
    }).toThrow(expect.objectContaining({ code: 'denied', field: 'name', value: 'e' }));
    expect(endpoints.get('e')).toMatchObject({ owner });
    await clock.advance(1);
    const kept = endpoints.register(endpoint('e'), other);
    expect(ms(kept.initialRegistrationTime)).toBe(clock.now());
    expect(endpoints.get('e')).toMatchObject(other);
  });

  test("is another's until it is given back", () => {
    endpoints.register(endpoint('e'), { owner });
    endpoints.unregister('e', { owner });
    expect(names()).toEqual([]);
    endpoints.register(endpoint('e'), other);
    endpoints.unregister('none', { owner });
  });

  test('is free once the process is known to have ended', () => {
    let isGone = false;
    endpoints.register(endpoint('e'), { owner, isGone: () => isGone });
    expect(() => endpoints.register(endpoint('e'), other)).toThrow(denied);
    isGone = true;
    endpoints.register(endpoint('e'), other);
    expect(endpoints.get('e')).toMatchObject(other);
  });

  test('may be taken by who is trusted', () => {
    endpoints.register(endpoint('e'), { owner });
    endpoints.register(endpoint('e'), { owner: 'root', trusted: true });
    expect(endpoints.get('e')).toMatchObject({ owner: 'root' });
    endpoints.register(endpoint('f'), { owner });
    endpoints.unregister('f', { owner: 'root', trusted: true });
    expect(names()).toEqual(['e']);
  });

  test('of the agent stays the agent’s', () => {
    endpoints.register(endpoint('e'), { owner: 'agent', neverExpires: true });
    expect(() => endpoints.register(endpoint('e'), other)).toThrow(
      "network service endpoint 'e' belongs to another workload: allowed is another name",
    );
  });
});

describe('release', () => {
  test('is called once at every end, and never for what was refused', async () => {
    const log: string[] = [];
    const terms = (id: string, whose = owner): Parameters<Endpoints['register']>[1] => ({
      owner: whose,
      target: `unix:///${id}`,
      release: () => log.push(id),
    });
    endpoints.register(endpoint('e'), terms('1'));
    endpoints.register(endpoint('e'), terms('2'));
    expect([endpoints.get('e')?.target, log]).toEqual(['unix:///2', ['1']]);
    expect(() => endpoints.register(endpoint('e'), terms('3', other.owner))).toThrow('belongs to another');
    await clock.advance(maxLifeMs);
    endpoints.register(endpoint('e'), terms('4'));
    endpoints.unregister('e', { owner });
    endpoints.register(endpoint('e'), terms('5'));
    endpoints.close();
    expect(log).toEqual(['1', '2', '4', '5']);
    expect(clock.pending).toBe(0);
  });
});

describe('limits', () => {
  test('of one owner, whose others still have room', async () => {
    for (let i = 0; i < maxEndpointsPerOwner; i += 1) endpoints.register(endpoint(`e${i}`), { owner });
    expect(() => endpoints.register(endpoint('more'), { owner })).toThrow(
      'No more endpoints: this workload has 256 registered, allowed are 256',
    );
    endpoints.register(endpoint('e0'), { owner });
    endpoints.register(endpoint('more'), other);
    endpoints.register(endpoint('trusted'), { owner, trusted: true });
    endpoints.unregister('trusted', { owner });
    endpoints.unregister('e1', { owner });
    endpoints.register(endpoint('e1'), { owner });
    await clock.advance(maxLifeMs);
    for (let i = 0; i < maxEndpointsPerOwner; i += 1) endpoints.register(endpoint(`e${i}`), { owner });
  });

  test('of all', () => {
    const trusted = { owner, trusted: true };
    for (let i = 0; i < 10_000; i += 1) endpoints.register(endpoint(`e${i}`), trusted);
    expect(() => endpoints.register(endpoint('more'), other)).toThrow(
      'No more endpoints: there are 10000 registered, allowed are 10000',
    );
    expect(() => endpoints.register(endpoint(''), trusted)).toThrow('allowed are 10000');
    endpoints.register(endpoint('e0'), trusted);
  });
});
