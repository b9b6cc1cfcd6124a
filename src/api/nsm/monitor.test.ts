import { describe, expect, test } from '@jest/globals';
import { create } from '@bufbuild/protobuf';
import { ConnectionSchema, MonitorScopeSelectorSchema } from './proto/connection_pb.ts';
import { selects } from './monitor.ts';

const connection = create(ConnectionSchema, {
  id: '1',
  networkService: 'web',
  path: {
    index: 1,
    pathSegments: [
      { name: 'client', id: 'c-0', token: 't' },
      { name: 'vwire', id: '1' },
      { name: 'endpoint', id: 'e' },
    ],
  },
});

describe('which connections a monitor is told of', () => {
  test.each([
    ['nothing asked is everything', [], [], true],
    ['a segment by name', [{ name: 'vwire' }], [], true],
    ['a segment by id', [{ id: 'c-0' }], [], true],
    ['by name and another id', [{ name: 'client', id: 'c-1' }], [], false],
    ['two in a row', [{ name: 'client' }, { id: '1' }], [], true],
    ['two that are not in a row', [{ name: 'client' }, { name: 'endpoint' }], [], false],
    ['the last of them', [{ name: 'endpoint' }], [], true],
    ['more than there are', [{}, {}, {}, {}], [], false],
    ['as many as there are', [{}, {}, {}], [], true],
    ['a token that is another', [{ name: 'client', token: 'x' }], [], false],
    ['the service', [], ['web', 'db'], true],
    ['another service', [], ['db'], false],
    ['the service and a segment', [{ id: 'e' }], ['web'], true],
  ])('%s', (_, pathSegments, networkServices, expected) => {
    expect(selects(create(MonitorScopeSelectorSchema, { pathSegments, networkServices }), connection)).toBe(
      expected,
    );
  });
});
