import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setMaxListeners } from 'node:events';
import { FakeClock } from '../../../../test/fake/clock.ts';
import { endpoint, service } from '../../../../test/nsm/records.ts';
import type { NetworkServiceEndpoint } from '../proto/registry_pb.ts';
import { Endpoints } from './endpoints.ts';
import { maxWaitingItems } from '../grpc/limits.ts';
import { maxLifeMs, maxWatchers, maxWatchersPerOwner } from './limits.ts';
import { isEndpointAsked, isServiceAsked } from './query.ts';
import { RegistryStore } from './store.ts';
import type { Change } from './watch.ts';

const owner = 'netns 4:1';
let clock: FakeClock;
let endpoints: Endpoints;
let end: AbortController;
beforeEach(() => {
  clock = new FakeClock();
  endpoints = new Endpoints(clock, () => undefined);
  end = new AbortController();
  setMaxListeners(0, end.signal);
});
afterEach(() => {
  end.abort();
  expect(endpoints.watchers).toBe(0);
});

type Stream = AsyncIterable<Change<NetworkServiceEndpoint>>;
const watch = (asked: NetworkServiceEndpoint, whose = owner, { signal } = end): Stream =>
  endpoints.watch({
    name: asked.name,
    fits: (record) => isEndpointAsked(asked, record),
    owner: whose,
    signal,
  });
const all = endpoint('', {}, { networkServiceNames: [], networkServiceLabels: {} });

/** Name and app label of the next ones, a minus before what is deleted. */
async function take(stream: Stream, count: number): Promise<string[]> {
  const taken: string[] = [];
  const iterator = stream[Symbol.asyncIterator]();
  while (taken.length < count) {
    const next = await iterator.next();
    if (next.done === true) return [...taken, 'end'];
    const { record, deleted } = next.value;
    taken.push(
      `${deleted ? '-' : ''}${record.name} ${record.networkServiceLabels.a?.labels.app ?? ''}`.trim(),
    );
  }
  return taken;
}
const put = (name: string, app = ''): unknown => endpoints.register(endpoint(name, { app }), { owner });

describe('a watcher', () => {
  test('is told what is there, then what becomes of it', async () => {
    put('e', '1');
    put('f', '1');
    const stream = watch(all);
    put('g', '1');
    put('e', '2');
    endpoints.unregister('f', { owner });
    expect(await take(stream, 5)).toEqual(['e 1', 'f 1', 'g 1', 'e 2', '-f 1']);
    const later = take(stream, 3);
    put('h');
    await clock.advance(maxLifeMs - 1);
    put('g', '3');
    await clock.advance(1);
    expect(await later).toEqual(['h', 'g 3', '-e 2']);
  });

  test('is told of the last state of what expires', async () => {
    put('e', '1');
    const stream = watch(endpoint('e', {}, { networkServiceNames: [], networkServiceLabels: {} }));
    put('f', '1');
    put('e', '2');
    await clock.advance(maxLifeMs);
    expect(await take(stream, 3)).toEqual(['e 1', 'e 2', '-e 2']);
  });

  test('is told only of what it asked for, which ends when a record changes into something else', async () => {
    const stream = watch(endpoint('', { app: '1' }));
    put('e', '2');
    put('e', '1');
    put('e', '3');
    put('e', '4');
    put('e', '1');
    expect(await take(stream, 3)).toEqual(['e 1', '-e 1', 'e 1']);
  });

  test('ends with its signal, waiting or not', async () => {
    put('e');
    const waiting = watch(endpoint('none'));
    const next = take(waiting, 1);
    const full = watch(all);
    end.abort();
    expect(await next).toEqual(['end']);
    expect((await take(full, 2)).at(-1)).toBe('end');
    expect(endpoints.watchers).toBe(0);
    expect(await take(watch(endpoint('none')), 1)).toEqual(['end']);
  });

  test('ends when its reader leaves', async () => {
    put('e');
    for await (const change of watch(all)) {
      expect(change).toMatchObject({ deleted: false, record: { name: 'e' } });
      break;
    }
    expect(endpoints.watchers).toBe(0);
  });

  test('that takes what comes is never behind', async () => {
    const stream = watch(all);
    const taken = take(stream, 3 * maxWaitingItems);
    for (let i = 0; i < 3 * maxWaitingItems; i += 1) {
      put('e', String(i));
      if (i % 100 === 0) await clock.advance(0);
    }
    expect((await taken).at(-1)).toBe(`e ${3 * maxWaitingItems - 1}`);
  });

  test('that is too far behind is ended and told', async () => {
    const stream = watch(all);
    const other = watch(endpoint('f'));
    for (let i = 0; i <= maxWaitingItems; i += 1) put('e', String(i));
    await expect(take(stream, maxWaitingItems + 1)).rejects.toThrow(
      'The reader is too slow: 1024 items waited for it; ask again',
    );
    expect(endpoints.watchers).toBe(1);
    put('f');
    expect(await take(other, 1)).toEqual(['f']);
  });
});

describe('limits', () => {
  test('of one owner', () => {
    for (let i = 0; i < maxWatchersPerOwner; i += 1) watch(all);
    expect(() => watch(all)).toThrow('No more watchers: this caller has 512 open, allowed are 512');
    watch(all, 'other');
    end.abort();
    expect(endpoints.watchers).toBe(0);
    end = new AbortController();
    watch(all);
  });

  test('of all', () => {
    for (let i = 0; i < maxWatchers; i += 1) watch(endpoint(`e${i}`), `o${i % 100}`);
    expect(() => watch(all, 'late')).toThrow('No more watchers: there are 8192 open, allowed are 8192');
  });
});

test('services are watched alike', async () => {
  const { services } = new RegistryStore({ clock });
  const asked = service('s', [], '');
  services.register(service('s'), { owner });
  const stream = services.watch({
    name: 's',
    fits: (s) => isServiceAsked(asked, s),
    owner,
    signal: end.signal,
  });
  services.register(service('s'), { owner });
  services.register(service('t'), { owner });
  services.register(service('s', [{}]), { owner });
  services.put(service('s', [{}]));
  services.delete('s');
  const taken: [number, boolean][] = [];
  for await (const { record, deleted } of stream) {
    taken.push([record.matches.length, deleted]);
    if (deleted) break;
  }
  expect(taken).toEqual([
    [0, false],
    [1, false],
    [1, true],
  ]);
});
