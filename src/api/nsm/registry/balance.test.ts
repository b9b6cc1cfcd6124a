import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { endpoint, endpoints, labels, matches, service } from '../../../../test/nsm/records.ts';
import { Balance } from './balance.ts';
import { maxBalances } from './limits.ts';
import { matchRoutes, type Matched } from './match.ts';

/** Routes by weight and the names of their endpoints. */
const routed = (...routes: [weight: number, names: string][]): Matched => ({
  match: 0,
  routes: routes.map(([weight, names], index) => ({
    index,
    weight,
    endpoints: Array.from(names).map((name) => endpoint(name)),
  })),
});

const order = (balance: Balance, matched: Matched): string =>
  balance
    .next(matched)
    .map(({ endpoint: { name } }) => name)
    .join('');
const firsts = (balance: Balance, matched: Matched, times: number): string =>
  Array.from({ length: times }, () => balance.next(matched)[0]?.endpoint.name).join('');

describe('who comes first', () => {
  test.each<[string, Matched, string]>([
    ['nobody', routed(), ''],
    ['turns', routed([0, 'abc']), 'abcabc'],
    ['turns within one weight', routed([5, 'abc']), 'abcabc'],
    ['three to one, spread', routed([3, 'a'], [1, 'b']), 'aabaaaba'],
    ['five, one, one, spread', routed([5, 'a'], [1, 'b'], [1, 'c']), 'aabacaaaabacaa'],
    ['endpoints of a route share its weight', routed([2, 'ab'], [2, 'c']), 'acbcacbc'],
    ['without weights every endpoint has the same turns', routed([0, 'a'], [0, 'bcd']), 'bacdbacdbacd'],
    ['an endpoint of two routes has the turns of both', routed([0, 'ab'], [0, 'b']), 'abbabb'],
    ['beside a weight none is no turn', routed([0, 'a'], [1, 'b'], [0, 'c']), 'bbbb'],
  ])('%s', (_, matched, expected) => {
    const balance = new Balance();
    expect(firsts(balance, matched, expected.length)).toBe(expected);
  });

  test('a hundred picks of 90 to 10 are 90 and 10, and so is every hundred after any other', () => {
    const balance = new Balance();
    const matched = routed([90, 'a'], [10, 'b']);
    firsts(balance, matched, 37);
    const picks = firsts(balance, matched, 100);
    expect(Array.from(picks).filter((name) => name === 'b')).toHaveLength(10);
  });
});

describe('whom to try next', () => {
  test('the rest of the route, then routes by weight, then those without', () => {
    const balance = new Balance();
    const matched = routed([0, 'x'], [1, 'c'], [9, 'ab'], [3, 'd']);
    expect(order(balance, matched)).toBe('abdcx');
    expect(order(balance, matched)).toBe('dbacx');
  });

  test('nobody twice', () => {
    expect(order(new Balance(), routed([1, 'ab'], [2, 'b']))).toBe('ba');
  });
});

test('each says where it was found', () => {
  const reasons = (matched: Matched): string[] => new Balance().next(matched).map(({ reason }) => reason);
  expect(reasons({ ...routed([0, 'ab']), match: null })).toEqual(Array(2).fill('no matches: each in turn'));
  expect(reasons(routed([0, 'ab'], [0, 'c']))).toEqual([
    'matches[0].routes[0]: each in turn',
    'matches[0].routes[0]: each in turn',
    'matches[0].routes[1]: each in turn',
  ]);
  expect(reasons(routed([9, 'a'], [1, 'b'], [0, 'c']))).toEqual([
    'matches[0].routes[0]: weight 9 of 10',
    'matches[0].routes[1]: weight 1 of 10',
    'matches[0].routes[2]: no weight, after all others',
  ]);
});

describe('changes', () => {
  test('a new endpoint is next and shifts nobody else', () => {
    const balance = new Balance();
    firsts(balance, routed([0, 'ab']), 3);
    expect(firsts(balance, routed([0, 'abc']), 6)).toBe('cbacba');
  });

  test('one that goes shifts nobody, and comes back as new', () => {
    const balance = new Balance();
    firsts(balance, routed([0, 'abc']), 4);
    balance.forget('b');
    expect(firsts(balance, routed([0, 'ac']), 2)).toBe('ca');
    expect(firsts(balance, routed([0, 'abc']), 3)).toBe('bca');
  });

  test('a route whose last endpoint goes leaves its share to the others', () => {
    const balance = new Balance();
    const both = routed([1, 'a'], [1, 'b']);
    firsts(balance, both, 5);
    expect(firsts(balance, { match: 0, routes: both.routes.slice(1) }, 3)).toBe('bbb');
    expect(firsts(balance, both, 4)).toBe('baba');
  });

  test('clients that are led elsewhere take no turns from one another', () => {
    const balance = new Balance();
    const [ab, bc] = [routed([1, 'a'], [1, 'b']), routed([1, 'b'], [1, 'c'])];
    const other = { match: 1, routes: bc.routes };
    const picks = Array.from({ length: 4 }, () => [firsts(balance, ab, 1), firsts(balance, other, 1)]);
    expect(picks.map(([first]) => first).join('')).toBe('abab');
    expect(picks.map(([, second]) => second).join('')).toBe('bcbc');
  });

  test('any number of sets of routes is let be', () => {
    const balance = new Balance();
    const many = routed(...Array.from({ length: 12 }, (): [number, string] => [1, 'ab']));
    for (let set = 1; set <= 2 * maxBalances; set += 1) {
      const routes = many.routes.filter(({ index }) => (set >> index) & 1);
      expect(balance.next({ match: 0, routes })).toHaveLength(2);
    }
  });
});

/** Exact shares: as many as the weights add up to, times what divides evenly among the endpoints of a route. */
test('in every cycle each route takes exactly its weight and its endpoints differ by one at most', () => {
  const route = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3 }));
  fc.assert(
    fc.property(fc.array(route, { minLength: 1, maxLength: 4 }), fc.nat({ max: 3 }), (shape, cycles) => {
      const names = (r: number, count: number): string =>
        Array.from({ length: count }, (_, i) => String.fromCharCode(97 + 3 * r + i)).join('');
      const matched = routed(
        ...shape.map(([weight, count], r): [number, string] => [weight, names(r, count)]),
      );
      const sum = shape.reduce((total, [weight]) => total + weight, 0);
      const balance = new Balance();
      firsts(balance, matched, sum * cycles);
      const picks = Array.from(firsts(balance, matched, sum));
      for (const [r, [weight, count]] of shape.entries()) {
        const each = Array.from(names(r, count)).map((name) => picks.filter((pick) => pick === name).length);
        expect(each.reduce((a, b) => a + b)).toBe(weight);
        expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test('all that matches is tried, each once, and again the same way from the same start', () => {
  fc.assert(
    fc.property(labels, matches(), endpoints, (client, written, all) => {
      const matched = matchRoutes(client, service('a', written), all);
      const meant = new Set(matched.routes.flatMap((r) => r.endpoints.map(({ name }) => name)));
      const [one, two] = [new Balance(), new Balance()];
      for (let i = 0; i < 5; i += 1) {
        const names = one.next(matched).map((choice) => choice.endpoint.name);
        expect(names).toHaveLength(meant.size);
        expect(new Set(names)).toEqual(meant);
        expect(two.next(matched).map((choice) => choice.endpoint.name)).toEqual(names);
      }
    }),
  );
});
