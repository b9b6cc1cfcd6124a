import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { endpoint, service } from '../../../../test/nsm/records.ts';
import { NetworkServiceEndpointSchema } from '../proto/registry_pb.ts';
import { isEndpointAsked, isServiceAsked } from './query.ts';

describe('services', () => {
  const matches = [
    { sourceSelector: { a: '1' }, routes: [{ destinationSelector: { b: '2' }, weight: 3 }] },
    {},
  ];
  const known = service('a', matches);

  test.each([
    ['nothing', service('', [], ''), true],
    ['the name', service('a', [], ''), true],
    ['a part of the name', service('aa', [], ''), false],
    ['the payload', service('', [], 'IP'), true],
    ['another payload', service('', [], 'ETHERNET'), false],
    ['the matches', service('', matches, ''), true],
    ['the first match', service('', matches.slice(0, 1), ''), false],
    ['the matches the other way round', service('', matches.toReversed(), ''), false],
    [
      'another weight',
      service('', [{ ...matches[0], routes: [{ destinationSelector: { b: '2' } }] }, {}], ''),
      false,
    ],
    ['all', known, true],
  ])('asked by %s', (_, asked, fits) => {
    expect(isServiceAsked(asked, known)).toBe(fits);
  });
});

describe('endpoints', () => {
  const seconds = 1_700_000_000n;
  const known = endpoint(
    'e',
    { app: 'x', zone: '1' },
    {
      networkServiceNames: ['a', 'b'],
      url: 'unix:///run/e.sock',
      expirationTime: { seconds, nanos: 500_000_000 },
    },
  );
  const query = (asked: MessageInitShape<typeof NetworkServiceEndpointSchema>): [typeof asked] => [asked];

  test.each<[string, [MessageInitShape<typeof NetworkServiceEndpointSchema>], boolean]>([
    ['nothing', query({}), true],
    ['the name', query({ name: 'e' }), true],
    ['another name', query({ name: 'ee' }), false],
    ['a service', query({ networkServiceNames: ['b'] }), true],
    ['both services', query({ networkServiceNames: ['b', 'a'] }), true],
    ['a service too many', query({ networkServiceNames: ['a', 'c'] }), false],
    ['a label', query({ networkServiceLabels: { a: { labels: { app: 'x' } } } }), true],
    [
      'labels of which one differs',
      query({ networkServiceLabels: { a: { labels: { app: 'x', zone: '2' } } } }),
      false,
    ],
    [
      'an empty label that is not there',
      query({ networkServiceLabels: { a: { labels: { none: '' } } } }),
      false,
    ],
    ['no label of a service that has some', query({ networkServiceLabels: { a: {} } }), true],
    ['no label of a service that has none', query({ networkServiceLabels: { b: {} } }), false],
    ['a label of another service', query({ networkServiceLabels: { b: { labels: { app: 'x' } } } }), false],
    ['a part of the URL', query({ url: '/run/' }), true],
    ['another URL', query({ url: 'tcp:' }), false],
    ['the second of its end', query({ expirationTime: { seconds, nanos: 1 } }), true],
    ['another second', query({ expirationTime: { seconds: seconds + 1n } }), false],
  ])('asked by %s', (_, [asked], fits) => {
    expect(isEndpointAsked(create(NetworkServiceEndpointSchema, asked), known)).toBe(fits);
  });

  test('one that never ends is asked by no end', () => {
    const asked = create(NetworkServiceEndpointSchema, { expirationTime: { seconds } });
    expect(isEndpointAsked(asked, endpoint('e'))).toBe(false);
  });
});
