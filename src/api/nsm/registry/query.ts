import { MatchSchema, type NetworkService, type NetworkServiceEndpoint } from '../proto/registry_pb.ts';
import { isSame } from './record.ts';
import { labelOf } from './template.ts';

/** NSM's pattern: what is empty in it is free. Matches are compared as a whole, in their order. */
export function isServiceAsked(asked: NetworkService, service: NetworkService): boolean {
  return (
    (asked.name === '' || asked.name === service.name) &&
    (asked.payload === '' || asked.payload === service.payload) &&
    (asked.matches.length === 0 ||
      (asked.matches.length === service.matches.length &&
        asked.matches.every((match, i) => {
          const own = service.matches[i];
          return own !== undefined && isSame(MatchSchema, match, own);
        })))
  );
}

/**
 * NSM's pattern: what is empty in it is free. All its services and labels must be there, its URL in the endpoint's,
 * and its expiry the same second.
 */
export function isEndpointAsked(asked: NetworkServiceEndpoint, endpoint: NetworkServiceEndpoint): boolean {
  return (
    (asked.name === '' || asked.name === endpoint.name) &&
    Object.entries(asked.networkServiceLabels).every(([service, { labels }]) => {
      const own = Object.hasOwn(endpoint.networkServiceLabels, service)
        ? endpoint.networkServiceLabels[service]?.labels
        : undefined;
      if (own === undefined) return false;
      return Object.entries(labels).every(([key, value]) => labelOf(own, key) === value);
    }) &&
    (asked.expirationTime === undefined ||
      asked.expirationTime.seconds === (endpoint.expirationTime?.seconds ?? 0n)) &&
    asked.networkServiceNames.every((name) => endpoint.networkServiceNames.includes(name)) &&
    endpoint.url.includes(asked.url)
  );
}
