import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { endpoint, endpoints, labels, matches, service } from '../../../../test/nsm/records.ts';
import type { NetworkService, NetworkServiceEndpoint } from '../proto/registry_pb.ts';
import { hasLabels, matchRoutes } from './match.ts';
import { expand, type Labels } from './template.ts';

describe('labels', () => {
  test.each<[string, Labels, Labels, boolean]>([
    ['nothing is in anything', { a: '1' }, {}, true],
    ['nothing is in nothing', {}, {}, true],
    ['the same', { a: '1', b: '2' }, { a: '1' }, true],
    ['another value', { a: '1' }, { a: '2' }, false],
    ['a missing one', { a: '1', b: '2' }, { c: '3' }, false],
    ['a missing one that is wanted empty', { a: '1' }, { c: '' }, true],
    ['a missing one that is wanted empty, with fewer labels', {}, { c: '' }, false],
    ['more than there are', { a: '1' }, { a: '1', b: '' }, false],
    ['what every object has', { a: '1' }, { constructor: '' }, true],
    ['a template', { a: 'n1', b: '' }, { a: '{{.node}}' }, true],
    ['a template with text', { a: 'x-n1' }, { a: 'x-{{ .node }}' }, true],
    ['a template of an unknown label', { a: '<no value>' }, { a: '{{.none}}' }, true],
    ['an index of an unknown label, and no such label', { b: '' }, { a: '{{index . "none"}}' }, true],
    ['a template as it is written', { a: '{{.node}}' }, { a: '{{.node}}' }, true],
    ['a template that is none', { a: '{{.node' }, { a: '{{.node' }, true],
  ])('%s', (_, have, wanted, fits) => {
    expect(hasLabels(have, wanted, { node: 'n1' })).toBe(fits);
  });
});

const found = (client: Labels, s: NetworkService, all: readonly NetworkServiceEndpoint[]): string[] =>
  matchRoutes(client, s, all).routes.flatMap((route) => route.endpoints.map(({ name }) => name));

describe('matches', () => {
  const fw = endpoint('fw', { app: 'firewall' });
  const gw = endpoint('gw', { app: 'gateway' });
  const bare = endpoint('bare', {}, { networkServiceLabels: {} });
  const all = [fw, gw, bare];
  const to = (app: string, weight = 0): { destinationSelector: Labels; weight: number } => ({
    destinationSelector: { app },
    weight,
  });

  test.each<[string, Parameters<typeof service>[1], Labels, string[]]>([
    ['none: everyone', [], {}, ['fw', 'gw', 'bare']],
    ['one for everyone', [{ routes: [{}] }], {}, ['fw', 'gw', 'bare']],
    ['by destination', [{ routes: [to('gateway')] }], {}, ['gw']],
    ['in order of routes', [{ routes: [to('gateway'), to('firewall')] }], {}, ['gw', 'fw']],
    ['twice by two routes', [{ routes: [to('gateway'), {}] }], {}, ['gw', 'fw', 'gw', 'bare']],
    [
      'a chain: the first that fits the client decides',
      [{ sourceSelector: { app: 'firewall' }, routes: [to('gateway')] }, { routes: [to('firewall')] }],
      { app: 'firewall' },
      ['gw'],
    ],
    [
      'a chain: its first client',
      [{ sourceSelector: { app: 'firewall' }, routes: [to('gateway')] }, { routes: [to('firewall')] }],
      {},
      ['fw'],
    ],
    ['nobody fits and none falls through', [{ routes: [to('none')] }, { routes: [{}] }], {}, []],
    [
      'nobody fits and it falls through',
      [{ routes: [to('none')], fallthrough: true }, { routes: [to('gateway')] }],
      {},
      ['gw'],
    ],
    [
      'somebody fits what would fall through',
      [{ routes: [to('gateway')], fallthrough: true }, { routes: [{}] }],
      {},
      ['gw'],
    ],
    ['all fall through', [{ routes: [to('none')], fallthrough: true }], {}, []],
    ['no client fits', [{ sourceSelector: { app: 'x' }, routes: [{}] }], {}, []],
    ['neither routes nor metadata', [{}, { routes: [{}] }], {}, []],
    ['metadata alone', [{ metadata: { labels: { p2p: 'true' } } }], {}, ['fw', 'gw', 'bare']],
    [
      'metadata alone that falls through moves on',
      [{ metadata: {}, fallthrough: true }, { routes: [to('gateway')] }],
      {},
      ['gw'],
    ],
    ['metadata alone that falls through to nothing', [{ metadata: {}, fallthrough: true }], {}, []],
    ['metadata and a route that nobody fits', [{ metadata: {}, routes: [to('none')] }], {}, []],
    ["the client's label as destination", [{ routes: [to('{{.wants}}')] }], { wants: 'gateway' }, ['gw']],
    [
      "the client's label as source",
      [{ sourceSelector: { a: '{{.b}}' }, routes: [{}] }],
      { a: '1', b: '1' },
      ['fw', 'gw', 'bare'],
    ],
    [
      "a source that differs from the client's label",
      [{ sourceSelector: { a: '{{.b}}' }, routes: [{}] }],
      { a: '1', b: '2' },
      [],
    ],
  ])('%s', (_, written, client, names) => {
    expect(found(client, service('a', written), all)).toEqual(names);
  });

  test('labels for another service do not count', () => {
    const other = endpoint('other', {}, { networkServiceLabels: { b: { labels: { app: 'gateway' } } } });
    expect(found({}, service('a', [{ routes: [to('gateway')] }]), [other])).toEqual([]);
  });

  test('the deciding match and the routes that lead somewhere are told', () => {
    const s = service('a', [
      { sourceSelector: { app: 'x' }, routes: [{}] },
      { routes: [to('none', 5), to('gateway', 7)] },
    ]);
    expect(matchRoutes({}, s, all)).toEqual({ match: 1, routes: [{ index: 1, weight: 7, endpoints: [gw] }] });
  });
});

/** The algorithm as one list, as it is written down for NSM. */
function asWritten(client: Labels, s: NetworkService, all: readonly NetworkServiceEndpoint[]): string[] {
  const subset = (a: Labels, b: Labels): boolean => {
    if (Object.keys(a).length < Object.keys(b).length) return false;
    const of = (k: string): string => new Map(Object.entries(a)).get(k) ?? '';
    for (const [k, v] of Object.entries(b)) if (of(k) !== v && of(k) !== expand(v, client)) return false;
    return true;
  };
  const everyone = all.map(({ name }) => name);
  if (s.matches.length === 0) return everyone;
  for (const m of s.matches) {
    if (!subset(client, m.sourceSelector)) continue;
    const candidates: string[] = [];
    for (const r of m.routes)
      for (const e of all)
        if (subset(e.networkServiceLabels[s.name]?.labels ?? {}, r.destinationSelector))
          candidates.push(e.name);
    if (m.fallthrough && candidates.length === 0) continue;
    if (m.metadata && m.routes.length === 0 && candidates.length === 0) return everyone;
    return candidates;
  }
  return [];
}

test("finds what NSM's algorithm finds, in its order and as often", () => {
  fc.assert(
    fc.property(labels, matches(), endpoints, (client, written, all) => {
      const s = service('a', written);
      expect(found(client, s, all)).toEqual(asWritten(client, s, all));
    }),
    { numRuns: 2000 },
  );
});
