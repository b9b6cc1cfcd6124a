import type { NetworkService, NetworkServiceEndpoint } from '../proto/registry_pb.ts';
import { expand, labelOf, type Labels } from './template.ts';

/**
 * All of `wanted` is in `have`, as written or with its templates filled in from `client`. As in NSM a label that is
 * missing equals one wanted to be empty, and fewer labels than are wanted never suffice.
 */
export function hasLabels(have: Labels, wanted: Labels, client: Labels): boolean {
  const pairs = Object.entries(wanted);
  if (Object.keys(have).length < pairs.length) return false;
  return pairs.every(([key, value]) => {
    const own = labelOf(have, key) ?? '';
    return own === value || own === expand(value, client);
  });
}

export function labelsFor(endpoint: NetworkServiceEndpoint, service: string): Labels {
  const labels = endpoint.networkServiceLabels;
  return (Object.hasOwn(labels, service) ? labels[service]?.labels : undefined) ?? {};
}

/** The endpoints that one route of a match leads to. */
export interface RouteCandidates {
  /** Of the route in its match; 0 also where all endpoints are meant. */
  index: number;
  /** As written: 0 is none. */
  weight: number;
  endpoints: readonly NetworkServiceEndpoint[];
}

export interface Matched {
  /** Index of the match that decides; null if none does. */
  match: number | null;
  /** Those of its routes that lead to an endpoint. An endpoint may be in several. */
  routes: readonly RouteCandidates[];
}

const everyone = (endpoints: readonly NetworkServiceEndpoint[]): RouteCandidates[] =>
  endpoints.length === 0 ? [] : [{ index: 0, weight: 0, endpoints }];

/**
 * NSM's choice among `endpoints`, which all serve `service` and live: the first match that fits the client's labels
 * decides, even for nobody, unless it says to fall through. A match with neither routes nor metadata turns the
 * client away.
 */
export function matchRoutes(
  client: Labels,
  service: NetworkService,
  endpoints: readonly NetworkServiceEndpoint[],
): Matched {
  if (service.matches.length === 0) return { match: null, routes: everyone(endpoints) };
  for (const [index, match] of service.matches.entries()) {
    if (!hasLabels(client, match.sourceSelector, client)) continue;
    const routes = match.routes
      .map((route, i) => ({
        index: i,
        weight: route.weight,
        endpoints: endpoints.filter((e) =>
          hasLabels(labelsFor(e, service.name), route.destinationSelector, client),
        ),
      }))
      .filter((route) => route.endpoints.length > 0);
    // In NSM's order: what falls through does so before metadata alone means everyone.
    if (match.fallthrough && routes.length === 0) continue;
    if (match.metadata !== undefined && match.routes.length === 0)
      return { match: index, routes: everyone(endpoints) };
    return { match: index, routes };
  }
  return { match: null, routes: [] };
}
