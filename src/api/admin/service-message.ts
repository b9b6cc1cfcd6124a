import { create } from '@bufbuild/protobuf';
import type { ServiceSpec } from '../../features/connection/api.ts';
import { type Service, ServiceSchema } from './vwire/v1/service_pb.ts';

export const serviceMessage = ({ name, payload, matches }: ServiceSpec): Service =>
  create(ServiceSchema, {
    name,
    payload,
    matches: matches.map((match) => ({
      source: { ...match.source },
      routes: match.routes.map(({ destination, weight }) => ({ labels: { ...destination }, weight })),
      fallthrough: match.fallthrough,
      ...(match.metadata !== null && { metadata: { labels: { ...match.metadata } } }),
    })),
  });

export const serviceSpec = ({ name, payload, matches }: Service): ServiceSpec => ({
  name,
  payload,
  matches: matches.map((match) => ({
    source: match.source,
    routes: match.routes.map(({ labels, weight }) => ({ destination: labels, weight })),
    fallthrough: match.fallthrough,
    metadata: match.metadata?.labels ?? null,
  })),
});
