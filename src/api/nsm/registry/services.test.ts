import { beforeEach, describe, expect, test } from '@jest/globals';
import { FakeClock } from '../../../../test/fake/clock.ts';
import { service } from '../../../../test/nsm/records.ts';
import { maxClaims, maxLifeMs, maxServices, maxServicesPerOwner } from './limits.ts';
import { NetworkServices, type KeptService } from './services.ts';

const a = { owner: 'netns 4:1' };
const b = { owner: 'netns 4:2' };
const root = { owner: 'root', trusted: true };
const toX = [{ routes: [{ destinationSelector: { app: 'x' } }] }];
const toY = [{ routes: [{ destinationSelector: { app: 'y' } }] }];

let clock: FakeClock;
let served: Set<string>;
let files: Map<string, KeptService>;
let changed: string[];
let services: NetworkServices;
const start = (kept: readonly KeptService[] = []): NetworkServices =>
  new NetworkServices(
    {
      clock,
      isServedBy: (name, owner) => served.has(`${name} ${owner}`),
      write: (kept) => files.set(kept.record.name, kept),
      remove: (name) => files.delete(name),
      onChange: (name) => changed.push(name),
    },
    kept,
  );
beforeEach(() => {
  clock = new FakeClock();
  served = new Set();
  files = new Map();
  changed = [];
  services = start();
});

describe('registering', () => {
  test('answers with what is kept, whose payload is IP unless it is said', () => {
    expect(services.register(service('s', toX, ''), a)).toEqual(service('s', toX, 'IP'));
    expect(services.register(service('t', [], 'ETHERNET'), a)).toEqual(service('t', [], 'ETHERNET'));
    expect(services.list().map(({ name }) => name)).toEqual(['s', 't']);
    expect(() => services.get('s')?.matches.pop()).toThrow('Cannot delete property');
  });

  test('again replaces, and the same changes nothing', () => {
    services.register(service('s', toX), a);
    services.register(service('s', toX), a);
    expect(changed).toEqual(['s']);
    services.register(service('s', toY), a);
    services.register(service('s'), a);
    expect([services.get('s'), changed]).toEqual([service('s'), ['s', 's', 's']]);
  });

  test('does not expire', async () => {
    services.register(service('s'), a);
    await clock.advance(2 ** 40);
    expect(services.get('s')).toEqual(service('s'));
  });

  test('what cannot be kept in a file is not registered', () => {
    services = new NetworkServices({
      clock,
      isServedBy: () => false,
      write: () => {
        throw new Error('ENOSPC');
      },
      remove: () => undefined,
      onChange: () => undefined,
    });
    expect(() => services.register(service('s'), a)).toThrow('ENOSPC');
    expect(services.list()).toEqual([]);
  });
});

describe("another's service", () => {
  const belongs =
    "network service 's' belongs to another workload and cannot be changed: allowed is another name, or to register it as it is: payload IP, without matches";

  beforeEach(() => {
    services.register(service('s', toX), a);
  });

  test('is not changed, but may be served too', () => {
    for (const asked of [service('s', toY), service('s', [], 'ETHERNET')])
      expect(() => services.register(asked, b)).toThrow(belongs);
    for (const asked of [service('s', toX), service('s'), service('s', [], '')])
      expect(services.register(asked, b)).toEqual(service('s', toX));
    expect(() => services.register(service('s', toX), b)).not.toThrow();
    expect(() => services.register(service('s', toY), a)).toThrow(belongs);
  });

  test('is free when its owner has neither an endpoint of it nor registered it lately', async () => {
    served.add(`s ${a.owner}`);
    await clock.advance(maxLifeMs);
    expect(() => services.register(service('s', toY), b)).toThrow(belongs);
    served.clear();
    services.register(service('s', toX), a);
    await clock.advance(maxLifeMs - 1);
    expect(() => services.register(service('s', toY), b)).toThrow(belongs);
    await clock.advance(1);
    expect(services.register(service('s', toY), b)).toEqual(service('s', toY));
    expect(() => services.register(service('s', toX), a)).toThrow(belongs);
  });

  test('is free when its process has ended', () => {
    let ended = false;
    services.register(service('t'), { ...a, isGone: () => ended });
    expect(() => services.register(service('t', toX), b)).toThrow('belongs to another workload');
    ended = true;
    services.register(service('t', toX), b);
    expect(services.get('t')).toEqual(service('t', toX));
  });

  test('is changed by who is trusted, who also says only that it serves it', () => {
    expect(services.register(service('s'), root)).toEqual(service('s', toX));
    expect(services.register(service('s', toY), root)).toEqual(service('s', toY));
  });

  test('is unregistered by its owners only, and is gone with the last', () => {
    expect(() => {
      services.unregister('s', b);
    }).toThrow("network service 's' belongs to another workload and cannot be unregistered");
    services.register(service('s'), b);
    services.unregister('s', a);
    expect(services.get('s')).toEqual(service('s', toX));
    expect(files.get('s')?.owners).toEqual([b.owner]);
    services.unregister('s', b);
    expect([services.get('s'), files.size]).toEqual([null, 0]);
    services.unregister('s', b);
  });
});

describe('what people put', () => {
  test('replaces what a workload registered, and is not changed by one', () => {
    services.register(service('s', toX), a);
    expect(services.put(service('s', toY, ''))).toEqual(service('s', toY));
    expect(() => services.register(service('s', toX), a)).toThrow(
      "network service 's' was put by the administrator and cannot be changed: allowed is another name, or to register it as it is: payload IP, without matches",
    );
    expect(services.register(service('s'), a)).toEqual(service('s', toY));
    services.unregister('s', a);
    expect(services.get('s')).toEqual(service('s', toY));
    expect(() => {
      services.unregister('s', b);
    }).toThrow('was put by the administrator and cannot be unregistered');
  });

  test('is removed by people', () => {
    services.put(service('s'));
    expect([services.delete('s'), services.delete('s'), services.list()]).toEqual([true, false, []]);
  });

  test('stays what it is when a trusted process changes it', () => {
    services.put(service('s'));
    services.register(service('s', toX), root);
    expect(files.get('s')).toMatchObject({ fixed: true, record: service('s', toX) });
  });
});

describe('another agent', () => {
  test('knows what was kept, and whose it is for the life of a registration', async () => {
    services.register(service('s', toX), a);
    services.register(service('s'), b);
    services.put(service('t'));
    services = start([...files.values()]);
    expect(services.list()).toEqual([service('s', toX), service('t')]);
    expect(() => services.register(service('s', toY), { owner: 'c' })).toThrow('belongs to another');
    await clock.advance(maxLifeMs);
    expect(() => services.register(service('t', toY), { owner: 'c' })).toThrow(
      'was put by the administrator',
    );
    services.register(service('s', toY), { owner: 'c' });
  });
});

describe('limits', () => {
  test('of one owner', () => {
    for (let i = 0; i < maxServicesPerOwner; i += 1) services.register(service(`s${i}`), a);
    expect(() => services.register(service('more'), a)).toThrow(
      'No more network services: this workload has 128 registered, allowed are 128',
    );
    services.register(service('s0', toX), a);
    services.register(service('more'), b);
    expect(() => services.register(service('more'), a)).toThrow('this workload has 128');
    services.unregister('s1', a);
    services.register(service('more'), a);
  });

  test('of all, where what belongs to nobody makes room', async () => {
    services.put(service('put'));
    services.register(service('old'), a);
    services.register(service('served'), a);
    await clock.advance(maxLifeMs);
    served.add(`served ${a.owner}`);
    for (let i = 3; i < maxServices; i += 1) services.register(service(`s${i}`), root);
    services.register(service('more'), b);
    expect(services.get('old')).toBeNull();
    expect(['put', 'served'].map((name) => services.get(name)?.name)).toEqual(['put', 'served']);
    for (const name of ['more 2', 'more 3'].map((n) => n.replace(' ', '')))
      expect(() => services.register(service(name), b)).toThrow(
        'No more network services: there are 4096 registered, allowed are 4096',
      );
    expect(() => services.put(service('more4'))).toThrow('there are 4096');
    services.put(service('more'));
  });

  test('of the owners of one service, beyond whom it may be served but is not theirs', async () => {
    for (let i = 0; i < maxClaims + 5; i += 1) services.register(service('s', toX), { owner: `o${i}` });
    expect(files.get('s')?.owners).toHaveLength(maxClaims);
    await clock.advance(maxLifeMs);
    services.register(service('s', toX), { owner: 'late' });
    expect(files.get('s')?.owners).toEqual(['late']);
  });
});
