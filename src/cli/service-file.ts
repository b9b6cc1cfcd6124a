import { z } from 'zod';
import type { MatchSpec, ServiceSpec } from '../features/connection/api.ts';
import { Failure } from '../features/failure.ts';
import { checked, documentsOf, only } from './document.ts';

const word = z.string('a text, quoted if YAML takes it for something else');
const name = word.min(1, 'a name that is not empty');
const selector = z.record(z.string(), word, 'an object of labels').nullish();
const weight = 'a whole number from 0 to 4294967295';
const list = 'a list';

const matches = z
  .array(
    only({
      source_selector: selector,
      routes: z
        .array(
          only({
            destination_selector: selector,
            weight: z.int(weight).min(0, weight).max(0xffffffff, weight).nullish(),
          }),
          list,
        )
        .nullish(),
      fallthrough: z.boolean('true or false').nullish(),
      metadata: only({ labels: selector }).nullish(),
    }),
    list,
  )
  .nullish();
const payload = z.enum(['ETHERNET', 'IP'], 'ETHERNET or IP').nullish();

const short = only({ name, payload, matches });

/** What Kubernetes holds of one; a file for kubectl may say more of it in `metadata`. */
const kubernetes = only({
  apiVersion: z.literal('networkservicemesh.io/v1', 'networkservicemesh.io/v1'),
  kind: z.literal('NetworkService', 'NetworkService'),
  metadata: z.looseObject({ name }, 'an object with a name'),
  spec: only({ name: word.nullish(), payload, matches, path_ids: z.unknown() })
    .partial({ path_ids: true })
    .nullish(),
});

type Matches = z.infer<typeof matches>;

const matchesOf = (said: Matches): MatchSpec[] =>
  (said ?? []).map((match) => ({
    source: match.source_selector ?? {},
    routes: (match.routes ?? []).map((route) => ({
      destination: route.destination_selector ?? {},
      weight: route.weight ?? 0,
    })),
    fallthrough: match.fallthrough ?? false,
    metadata: match.metadata === null || match.metadata === undefined ? null : (match.metadata.labels ?? {}),
  }));

function specOf(document: unknown, from: string): ServiceSpec {
  if (typeof document === 'object' && document !== null && ('kind' in document || 'apiVersion' in document)) {
    const { metadata, spec } = checked(kubernetes, document, from);
    return { name: metadata.name, payload: spec?.payload ?? 'IP', matches: matchesOf(spec?.matches) };
  }
  const said = checked(short, document, from);
  return { name: said.name, payload: said.payload ?? 'IP', matches: matchesOf(said.matches) };
}

/** The services a file describes, one a document; `file` is for messages. */
export function serviceSpecsOf(text: string, file: string): ServiceSpec[] {
  const from = file === '-' ? 'stdin' : `File '${file}'`;
  const documents = documentsOf(text, from).filter((document) => document !== null);
  if (documents.length > 0)
    return documents.map((document, at) =>
      specOf(document, documents.length === 1 ? from : `${from}, document ${at + 1}`),
    );
  throw new Failure('invalid', `${from} describes no service: it takes {name, payload, matches}`, {
    field: 'file',
    value: file,
    allowed: '{name, payload, matches}, or a NetworkService of networkservicemesh.io/v1',
  });
}
