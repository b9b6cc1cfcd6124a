import { beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '../../../../test/fake/clock.ts';
import { endpoint, service } from '../../../../test/nsm/records.ts';
import { maxLifeMs } from './limits.ts';
import { agentOwner } from './registrant.ts';
import { RegistryStore } from './store.ts';
import type { Labels } from './template.ts';

const owner = 'netns 4:1';
let clock: FakeClock;
let store: RegistryStore;
beforeEach(() => {
  clock = new FakeClock();
  store = new RegistryStore({ clock });
});
const names = (name = 'a', payload = '', labels: Labels = {}): string =>
  store
    .candidates(name, payload, labels)
    .endpoints.map(({ endpoint: e }) => e.name)
    .join();
const put = (name: string, app = ''): unknown => store.registerEndpoint(endpoint(name, { app }), { owner });

describe('candidates', () => {
  test('are the endpoints of the service, in turn', () => {
    store.registerService(service('a'), { owner });
    for (const name of ['e', 'f', 'g']) put(name);
    store.registerEndpoint(endpoint('other', {}, { networkServiceNames: ['b'] }), { owner });
    expect([1, 2, 3, 4].map(() => names())).toEqual(['e,f,g', 'f,g,e', 'g,e,f', 'e,f,g']);
    expect(store.candidates('a', 'IP', {}).service).toEqual(service('a'));
  });

  test('follow the shares of routes, which go on when an endpoint registers again', () => {
    const routes = [
      { destinationSelector: { app: 'new' }, weight: 1 },
      { destinationSelector: { app: 'old' }, weight: 3 },
    ];
    store.registerService(service('a', [{ routes }]), { owner });
    put('n', 'new');
    put('o', 'old');
    const picks = Array.from({ length: 8 }, () => {
      put('o', 'old');
      store.registerService(service('a', [{ routes }]), { owner });
      return names()[0];
    });
    expect(picks.join('')).toBe('onooonoo');
    store.registerService(service('a', [{ routes: routes.slice(0, 1) }]), { owner });
    expect(names()).toBe('n');
  });

  test('are without what has lapsed', async () => {
    store.registerService(service('a'), { owner });
    put('e');
    await clock.advance(maxLifeMs - 1);
    put('f');
    expect(names()).toBe('e,f');
    await clock.advance(1);
    expect(names()).toBe('f');
  });

  test('of a service that is not known', () => {
    expect(() => names('a')).toThrow('network service a is not found: none is registered');
    for (let i = 0; i < 12; i += 1) store.registerService(service(`s${i}`), { owner });
    expect(() => names('a')).toThrow(
      expect.objectContaining({
        code: 'not_found',
        field: 'network_service',
        value: 'a',
        allowed: "registered are 's0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9' and 2 more",
      }),
    );
  });

  test('of a service with another payload', () => {
    store.registerService(service('a', [], 'ETHERNET'), { owner });
    put('e');
    expect(names('a', 'ETHERNET')).toBe('e');
    expect(() => names('a', 'IP')).toThrow(
      "network service a is not found with payload 'IP': it has ETHERNET",
    );
  });

  test('of a service without endpoints, or without one for this client', () => {
    store.registerService(service('a', [{ sourceSelector: { app: 'x' }, routes: [{}] }]), { owner });
    expect(() => names('a')).toThrow("network service endpoint candidates not found: no endpoint serves 'a'");
    put('e');
    expect(() => names('a')).toThrow(
      "network service endpoint candidates not found: the matches of 'a' lead from the labels of the client to none of 'e'",
    );
    expect(names('a', '', { app: 'x' })).toBe('e');
  });
});

describe('an endpoint by its name', () => {
  test('is found while it lives', async () => {
    store.registerEndpoint(endpoint('e', {}, { url: 'unix:///e' }), { owner, target: 'unix:///elsewhere' });
    expect(store.endpoint('e')).toMatchObject({ target: 'unix:///elsewhere', owner });
    await clock.advance(maxLifeMs);
    expect(() => store.endpoint('e')).toThrow('network service endpoint e not found: none is registered');
    put('f');
    expect(() => store.endpoint('e')).toThrow("network service endpoint e not found: registered are 'f'");
  });
});

test('closing releases what is held', () => {
  const released: string[] = [];
  for (const name of ['e', 'f'])
    store.registerEndpoint(endpoint(name), { owner, release: () => released.push(name) });
  store.close();
  expect([released, clock.pending]).toEqual([['e', 'f'], 0]);
});

describe('a service that an endpoint of the agent brought', () => {
  const brought = { owner: agentOwner };
  const host = (name: string): unknown =>
    store.registerEndpoint(endpoint(name, {}), { ...brought, neverExpires: true, target: '' });
  const known = (): string[] => store.services.list().map(({ name }) => name);
  beforeEach(() => {
    store.registerService(service('a'), brought);
    host('e');
  });

  test('goes with the last endpoint of it', async () => {
    host('f');
    put('of-a-workload');
    store.unregisterEndpoint('e', brought);
    store.unregisterEndpoint('f', brought);
    expect(known()).toEqual(['a']);
    await clock.advance(maxLifeMs);
    expect(known()).toEqual([]);
  });

  test.each([
    ['people put', () => store.services.put(service('a'))],
    ['a workload registered, too', () => store.registerService(service('a'), { owner })],
  ])('stays where %s', (_, act) => {
    act();
    store.unregisterEndpoint('e', brought);
    expect(known()).toEqual(['a']);
  });

  test('stays where the agent ends', () => {
    store.close();
    expect(known()).toEqual(['a']);
  });
});
