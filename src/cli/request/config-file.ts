import { z } from 'zod';
import { Failure } from '../../features/failure.ts';
import { checked, documentsOf, only } from '../document.ts';
import { durationOf } from '../duration.ts';
import { netnsPathOf } from './netns-path.ts';
import type { Wanted } from './requester.ts';

/** More than a pod has interfaces for. */
const maxRequests = 128;

const word = z
  .string('a text, quoted if YAML takes it for something else')
  .min(1, 'a text that is not empty');
const mtu = 'a whole number of bytes from 1 to 4294967295';

const requests = z
  .array(
    only({
      service: word,
      interface: word.nullish(),
      netns: word.nullish(),
      labels: z
        .record(z.string(), z.string('a text, quoted if YAML takes it for something else'), 'an object')
        .nullish(),
      endpoint: word.nullish(),
      payload: z.enum(['ETHERNET', 'IP'], 'ETHERNET or IP').nullish(),
      mtu: z.int(mtu).min(1, mtu).max(0xffffffff, mtu).nullish(),
      ttl: word.nullish(),
    }),
    'a list of {service, interface, labels, ..}',
  )
  .min(1, 'at least one request')
  .max(maxRequests, `at most ${maxRequests} requests`);

/** What a file in YAML or JSON asks for; `file` is for messages. What it does not say is null. */
export function requestsOf(text: string, file: string): Omit<Wanted, 'id'>[] {
  const from = file === '-' ? 'stdin' : `File '${file}'`;
  const documents = documentsOf(text, from);
  if (documents.length > 1)
    throw new Failure('invalid', `${from} has ${documents.length} documents: it takes one`, {
      field: 'from',
      value: file,
      allowed: 'one document, a list of requests',
    });
  return checked(requests, documents[0] ?? null, from).map((said) => ({
    service: said.service,
    interface: said.interface ?? null,
    netns: said.netns === null || said.netns === undefined ? null : netnsPathOf(said.netns),
    labels: said.labels ?? {},
    endpoint: said.endpoint ?? null,
    payload: said.payload ?? null,
    mtu: said.mtu ?? null,
    ttlMs: said.ttl === null || said.ttl === undefined ? null : durationOf('ttl', said.ttl),
  }));
}
