import { toBinary } from '@bufbuild/protobuf';
import { Failure } from '../../../features/failure.ts';
import {
  NetworkServiceEndpointSchema,
  NetworkServiceSchema,
  type NetworkService,
  type NetworkServiceEndpoint,
} from '../proto/registry_pb.ts';
import { maxLabels, maxName, maxServicesPerEndpoint } from '../limits.ts';
import {
  maxEndpointBytes,
  maxLabelKey,
  maxLabelValue,
  maxMatches,
  maxRoutes,
  maxServiceBytes,
  maxUrl,
  maxWeight,
} from './limits.ts';
import type { Labels } from './template.ts';

/** What a frame of the service is; IP where none is said. */
export const payloads = ['IP', 'ETHERNET'] as const;

const SHOWN = 64;
/** As messages quote it: what a caller sent may be long. */
export const shown = (value: string): string =>
  value.length > SHOWN ? `${value.slice(0, SHOWN)}...` : value;

function refuse(field: string, value: string, problem: string, allowed: string): never {
  throw new Failure('invalid', `Field '${field}' ${problem}: allowed is ${allowed}`, {
    field,
    value: shown(value),
    allowed,
  });
}

function checkCount(field: string, count: number, what: string, max: number): void {
  if (count > max) refuse(field, String(count), `has ${count} ${what}`, `at most ${max}`);
}

// A line break or an escape sequence in a name would forge lines of logs and tables.
const control = /\p{C}/u;
const space = /[\p{C}\p{Z}]/u;

/** Of a service or an endpoint. */
export function checkName(field: string, name: string): void {
  const allowed = `1 to ${maxName} characters without white space and control characters`;
  if (name === '') refuse(field, name, 'is empty', allowed);
  if (name.length > maxName) refuse(field, name, `is '${shown(name)}' of ${name.length} characters`, allowed);
  if (space.test(name)) refuse(field, name, `is ${JSON.stringify(name)}`, allowed);
}

export function checkLabels(field: string, labels: Labels): void {
  const entries = Object.entries(labels);
  checkCount(field, entries.length, 'labels', maxLabels);
  for (const [key, value] of entries) {
    // Copies of an object would lose a label of this name.
    if (key === '' || key.length > maxLabelKey || space.test(key) || key === '__proto__')
      refuse(
        field,
        key,
        `has the label ${JSON.stringify(shown(key))} of ${key.length} characters`,
        `a name of 1 to ${maxLabelKey} characters without white space and control characters`,
      );
    if (value.length > maxLabelValue || control.test(value))
      refuse(
        `${field}.${key}`,
        value,
        `is ${JSON.stringify(shown(value))} of ${value.length} characters`,
        `at most ${maxLabelValue} characters without control characters`,
      );
  }
}

/** `name` may be empty. What the URL means is not looked at. */
export function checkEndpoint(endpoint: NetworkServiceEndpoint): void {
  if (endpoint.name !== '') checkName('name', endpoint.name);
  const { networkServiceNames: names, networkServiceLabels: labels, url } = endpoint;
  checkCount('network_service_names', names.length, 'services', maxServicesPerEndpoint);
  for (const [i, name] of names.entries()) checkName(`network_service_names[${i}]`, name);
  const labelled = Object.entries(labels);
  checkCount('network_service_labels', labelled.length, 'services', maxServicesPerEndpoint);
  for (const [service, { labels: own }] of labelled) {
    checkName('network_service_labels', service);
    checkLabels(`network_service_labels.${service}`, own);
  }
  if (url.length > maxUrl || space.test(url))
    refuse(
      'url',
      url,
      `is ${JSON.stringify(shown(url))} of ${url.length} characters`,
      `at most ${maxUrl} characters without white space and control characters`,
    );
  const { length } = toBinary(NetworkServiceEndpointSchema, endpoint);
  if (length > maxEndpointBytes)
    refuse('network_service_endpoint', endpoint.name, `has ${length} bytes`, `at most ${maxEndpointBytes}`);
}

/** `payload` may be empty. */
export function checkService(service: NetworkService): void {
  const { name, payload } = service;
  checkName('name', name);
  if (payload !== '' && !(payloads as readonly string[]).includes(payload))
    refuse('payload', payload, `is '${shown(payload)}'`, payloads.join(' or '));
  checkServicePattern(service);
}

/** What a Find asks for: of any name and payload, but no larger than a service. */
export function checkServicePattern(service: NetworkService): void {
  const { matches } = service;
  checkCount('matches', matches.length, 'matches', maxMatches);
  for (const [i, match] of matches.entries()) {
    const field = `matches[${i}]`;
    checkLabels(`${field}.source_selector`, match.sourceSelector);
    if (match.metadata !== undefined) checkLabels(`${field}.metadata`, match.metadata.labels);
    checkCount(`${field}.routes`, match.routes.length, 'routes', maxRoutes);
    for (const [j, { destinationSelector, weight }] of match.routes.entries()) {
      checkLabels(`${field}.routes[${j}].destination_selector`, destinationSelector);
      if (!Number.isInteger(weight) || weight < 0 || weight > maxWeight)
        refuse(`${field}.routes[${j}].weight`, String(weight), `is ${weight}`, `0 to ${maxWeight}`);
    }
  }
  const { length } = toBinary(NetworkServiceSchema, service);
  if (length > maxServiceBytes)
    refuse('network_service', service.name, `has ${length} bytes`, `at most ${maxServiceBytes}`);
}
