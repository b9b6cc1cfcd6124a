import { Failure } from '../../../features/failure.ts';
import type { Connection, Mechanism } from '../proto/connection_pb.ts';
import type { NetworkServiceRequest } from '../proto/networkservice_pb.ts';
import { maxContextEntries, maxLabels, maxName, maxPathSegments } from '../limits.ts';
import {
  maxExtraContext,
  maxLabelText,
  maxMechanismParameters,
  maxParameterText,
  maxPreferences,
} from './limits.ts';

const shown = (text: string): string => (text.length <= 64 ? text : `${text.slice(0, 64)}...`);

function refuse(field: string, value: string, allowed: string): never {
  throw new Failure('invalid', `${field} is '${shown(value)}': allowed is ${allowed}`, {
    field,
    value: shown(value),
    allowed,
  });
}

function atMost(field: string, count: number, limit: number, what: string): void {
  if (count > limit) refuse(field, `${count} ${what}`, `at most ${limit}`);
}

function text(field: string, value: string, limit: number): void {
  if (value.length > limit) refuse(field, value, `at most ${limit} characters`);
}

function map(field: string, entries: Readonly<Record<string, string>>, count: number, limit: number): void {
  const keys = Object.keys(entries);
  atMost(field, keys.length, count, 'entries');
  for (const key of keys) {
    text(`${field}[key]`, key, limit);
    text(`${field}['${shown(key)}']`, entries[key] ?? '', limit);
  }
}

function mechanism(field: string, { cls, type, parameters }: Mechanism): void {
  text(`${field}.cls`, cls, maxName);
  text(`${field}.type`, type, maxName);
  map(`${field}.parameters`, parameters, maxMechanismParameters, maxParameterText);
}

/** As the proto file spells it. */
const protoName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Refuses what is too large to be looked at. `whose` begins the names of the fields. */
export function checkConnectionSizes(connection: Connection, whose: string): void {
  const { path, context, mechanism: selected, labels } = connection;
  text(`${whose}.id`, connection.id, maxName);
  text(`${whose}.network_service`, connection.networkService, maxName);
  text(`${whose}.network_service_endpoint_name`, connection.networkServiceEndpointName, maxName);
  text(`${whose}.payload`, connection.payload, maxName);
  map(`${whose}.labels`, labels, maxLabels, maxLabelText);
  if (selected) mechanism(`${whose}.mechanism`, selected);
  const segments = path?.pathSegments ?? [];
  atMost(`${whose}.path.path_segments`, segments.length, maxPathSegments, 'segments');
  segments.forEach(({ name, id }, index) => {
    text(`${whose}.path.path_segments[${index}].name`, name, maxName);
    text(`${whose}.path.path_segments[${index}].id`, id, maxName);
  });
  map(`${whose}.context.extra_context`, context?.extraContext ?? {}, maxExtraContext, maxParameterText);
  for (const [name, entries] of Object.entries(context?.ipContext ?? {}))
    if (Array.isArray(entries) && name !== '$unknown')
      atMost(`${whose}.context.ip_context.${protoName(name)}`, entries.length, maxContextEntries, 'entries');
  (context?.ipContext?.policies ?? []).forEach(({ routes }, index) => {
    atMost(
      `${whose}.context.ip_context.policies[${index}].routes`,
      routes.length,
      maxContextEntries,
      'routes',
    );
  });
  atMost(
    `${whose}.context.dns_context.configs`,
    context?.dnsContext?.configs.length ?? 0,
    maxContextEntries,
    'entries',
  );
}

/** The connection of a request, which is there and asks for something. Throws Failure. */
export function checkRequest({ connection, mechanismPreferences }: NetworkServiceRequest): Connection {
  if (!connection)
    throw new Failure('invalid', 'connection is missing: a request is for a connection', {
      field: 'connection',
      allowed: 'a connection with a network_service',
    });
  checkConnectionSizes(connection, 'connection');
  if (connection.networkService === '')
    throw new Failure('invalid', 'connection.network_service is empty: a request names a network service', {
      field: 'connection.network_service',
      value: '',
      allowed: 'the name of a network service',
    });
  atMost('mechanism_preferences', mechanismPreferences.length, maxPreferences, 'mechanisms');
  mechanismPreferences.forEach((preference, index) => {
    mechanism(`mechanism_preferences[${index}]`, preference);
  });
  if (!['', 'ETHERNET', 'IP'].includes(connection.payload))
    refuse('connection.payload', connection.payload, 'ETHERNET or IP');
  return connection;
}
