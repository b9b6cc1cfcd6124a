import { create, type MessageInitShape } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  NetworkServiceEndpointSchema,
  NetworkServiceSchema,
  type NetworkService,
  type NetworkServiceEndpoint,
} from '../../src/api/nsm/proto/registry_pb.ts';

// fast-check prints the seed of a run that failed; VWIRE_SEED repeats it.
if (process.env.VWIRE_SEED !== undefined) fc.configureGlobal({ seed: Number(process.env.VWIRE_SEED) });

type Matches = MessageInitShape<typeof NetworkServiceSchema>['matches'];

export const service = (name: string, matches: Matches = [], payload = 'IP'): NetworkService =>
  create(NetworkServiceSchema, { name, payload, matches });

/** Of service `a`, with labels for it, unless `more` says otherwise. */
export const endpoint = (
  name: string,
  labels: Record<string, string> = {},
  more: MessageInitShape<typeof NetworkServiceEndpointSchema> = {},
): NetworkServiceEndpoint =>
  create(NetworkServiceEndpointSchema, {
    name,
    networkServiceNames: ['a'],
    networkServiceLabels: { a: { labels } },
    ...more,
  });

const key = fc.constantFrom('app', 'node', 'zone', 'constructor');
const plain = fc.constantFrom('', '1', '2', '<no value>');
const template = fc.constantFrom('{{.node}}', '{{ .zone }}', '{{index . "app"}}', '{{.', '1{{.node}}');

export const labels = fc.dictionary(key, plain, { maxKeys: 3 });
const selector = fc.dictionary(key, fc.oneof({ weight: 2, arbitrary: plain }, template), { maxKeys: 2 });

export const matches = (maxWeight = 3): fc.Arbitrary<NonNullable<Matches>> =>
  fc.array(
    fc.record(
      {
        sourceSelector: selector,
        routes: fc.array(
          fc.record({ destinationSelector: selector, weight: fc.integer({ min: 0, max: maxWeight }) }),
          { maxLength: 3 },
        ),
        fallthrough: fc.boolean(),
        metadata: fc.record({ labels: fc.constant({}) }),
      },
      { requiredKeys: ['sourceSelector', 'routes', 'fallthrough'] },
    ),
    { maxLength: 3 },
  );

/** Endpoints of service `a` with different names, some without labels for it. */
export const endpoints = fc
  .array(fc.option(labels, { nil: null }), { maxLength: 4 })
  .map((all) =>
    all.map((own, i) =>
      endpoint(`e${i}`, {}, { networkServiceLabels: own === null ? {} : { a: { labels: own } } }),
    ),
  );
