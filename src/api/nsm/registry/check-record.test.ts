import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { endpoint, service } from '../../../../test/nsm/records.ts';
import type { NetworkServiceEndpointSchema } from '../proto/registry_pb.ts';
import { checkEndpoint, checkName, checkService } from './check-record.ts';
import { maxLabels, maxName } from '../limits.ts';
import { maxEndpointBytes, maxLabelKey, maxLabelValue, maxMatches, maxRoutes } from './limits.ts';

const long = (length: number): string => 'x'.repeat(length);
const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, '']));

describe('names', () => {
  test.each(['a', long(maxName), 'icmp-responder@cluster.local', 'ns/a:1', 'dienst-ü'])('%s', (name) => {
    expect(() => {
      checkName('name', name);
    }).not.toThrow();
  });

  const allowed = 'allowed is 1 to 253 characters without white space and control characters';
  test.each([
    ['', `Field 'name' is empty: ${allowed}`],
    [long(maxName + 1), `Field 'name' is '${long(64)}...' of 254 characters: ${allowed}`],
    ['a b', `Field 'name' is "a b": ${allowed}`],
    ['a\u00a0b', `Field 'name' is "a\u00a0b": ${allowed}`],
    ['a\n', `Field 'name' is "a\\n": ${allowed}`],
    ['\u001b[31m', `Field 'name' is "\\u001b[31m": ${allowed}`],
    ['a\u202eb', `Field 'name' is "a\u202eb": ${allowed}`],
  ])('%j is refused', (name, message) => {
    expect(() => {
      checkName('name', name);
    }).toThrow(message);
  });
});

describe('an endpoint', () => {
  test('at every limit is taken', () => {
    expect(() => {
      checkEndpoint(endpoint(long(maxName), many(maxLabels)));
      checkEndpoint(endpoint('', { [long(maxLabelKey)]: long(maxLabelValue) }));
    }).not.toThrow();
  });

  type Init = MessageInitShape<typeof NetworkServiceEndpointSchema>;
  const labelled = (labels: Record<string, string>): Init => ({ networkServiceLabels: { a: { labels } } });
  test.each<[Init, string, string]>([
    [{ name: 'a b' }, 'name', `Field 'name' is "a b": allowed is 1 to 253 characters`],
    [
      { networkServiceNames: ['a', ''] },
      'network_service_names[1]',
      "Field 'network_service_names[1]' is empty",
    ],
    [
      { networkServiceNames: Array<string>(65).fill('a') },
      'network_service_names',
      "Field 'network_service_names' has 65 services: allowed is at most 64",
    ],
    [
      labelled(many(maxLabels + 1)),
      'network_service_labels.a',
      "Field 'network_service_labels.a' has 65 labels: allowed is at most 64",
    ],
    [
      labelled({ [long(maxLabelKey + 1)]: '' }),
      'network_service_labels.a',
      `Field 'network_service_labels.a' has the label "${long(64)}..." of 318 characters: allowed is a name of 1 to 317`,
    ],
    [
      labelled({ 'a b': '' }),
      'network_service_labels.a',
      `has the label "a b" of 3 characters: allowed is a name`,
    ],
    [
      labelled({ '': '1' }),
      'network_service_labels.a',
      `has the label "" of 0 characters: allowed is a name`,
    ],
    [
      { networkServiceLabels: { a: { labels: Object.fromEntries([['__proto__', '1']]) } } },
      'network_service_labels.a',
      `has the label "__proto__"`,
    ],
    [
      labelled({ app: long(maxLabelValue + 1) }),
      'network_service_labels.a.app',
      `Field 'network_service_labels.a.app' is "${long(64)}..." of 1025 characters: allowed is at most 1024 characters`,
    ],
    [labelled({ app: 'a\nb' }), 'network_service_labels.a.app', 'without control characters'],
    [
      { networkServiceLabels: { 'a b': {} } },
      'network_service_labels',
      `Field 'network_service_labels' is "a b"`,
    ],
    [{ url: `unix:///${long(1024)}` }, 'url', "Field 'url' is"],
    [{ url: 'unix:///a b' }, 'url', `Field 'url' is "unix:///a b" of 11 characters: allowed is at most 1024`],
    [
      { pathIds: [long(maxEndpointBytes)] },
      'network_service_endpoint',
      `Field 'network_service_endpoint' has ${maxEndpointBytes + 16} bytes: allowed is at most ${maxEndpointBytes}`,
    ],
  ])('beyond it is refused: %#', (more, field, message) => {
    const check = (): void => {
      checkEndpoint(endpoint('e', {}, more));
    };
    expect(check).toThrow(message);
    expect(check).toThrow(expect.objectContaining({ code: 'invalid', field }));
  });
});

describe('a service', () => {
  test('at every limit is taken', () => {
    const routes = Array.from({ length: maxRoutes }, () => ({}));
    expect(() => {
      checkService(
        service(
          'a',
          Array.from({ length: maxMatches }, () => ({ routes })),
          'ETHERNET',
        ),
      );
      checkService(
        service('a', [{ sourceSelector: many(maxLabels), metadata: { labels: many(maxLabels) } }], ''),
      );
    }).not.toThrow();
  });

  test.each([
    [service(''), "Field 'name' is empty"],
    [service('a', [], 'PPP'), "Field 'payload' is 'PPP': allowed is IP or ETHERNET"],
    [
      service(
        'a',
        Array.from({ length: maxMatches + 1 }, () => ({})),
      ),
      "Field 'matches' has 65 matches: allowed is at most 64",
    ],
    [
      service('a', [{}, { routes: Array.from({ length: maxRoutes + 1 }, () => ({})) }]),
      "Field 'matches[1].routes' has 65 routes: allowed is at most 64",
    ],
    [
      service('a', [{ sourceSelector: { 'a b': '' } }]),
      `Field 'matches[0].source_selector' has the label "a b"`,
    ],
    [
      service('a', [{ routes: [{ weight: -1 }] }]),
      "Field 'matches[0].routes[0].weight' is -1: allowed is 0 to 4294967295",
    ],
    [service('a', [{ routes: [{ weight: 0.5 }] }]), "Field 'matches[0].routes[0].weight' is 0.5"],
    [service('a', [{ metadata: { labels: many(65) } }]), "Field 'matches[0].metadata' has 65 labels"],
    [
      service('a', [{ routes: [{}, { destinationSelector: { app: '\0' } }] }]),
      `Field 'matches[0].routes[1].destination_selector.app' is "\\u0000"`,
    ],
    [
      service('a', [
        { routes: Array.from({ length: 64 }, () => ({ destinationSelector: { a: long(1024) } })) },
      ]),
      "Field 'network_service' has",
    ],
  ])('beyond it is refused: %#', (asked, message) => {
    expect(() => {
      checkService(asked);
    }).toThrow(message);
  });
});
