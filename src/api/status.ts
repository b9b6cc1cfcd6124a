import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { Failure, type FailureCode } from '../features/failure.ts';

/** An error's text beyond this stays in the agent's log: trailers share one HTTP/2 header block. */
const maxErrorText = 4096;

/** The trailer with what a Failure says beside its message, as JSON. */
export const errorTrailer = 'vwire-error';

const statuses: Readonly<Record<FailureCode, status>> = {
  invalid: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  refused: status.FAILED_PRECONDITION,
  denied: status.PERMISSION_DENIED,
  exhausted: status.RESOURCE_EXHAUSTED,
  unsupported: status.UNIMPLEMENTED,
  timeout: status.DEADLINE_EXCEEDED,
  failed: status.INTERNAL,
};

/** For answers without the trailer: from grpc itself, or from another implementation of the api. */
const codes: Readonly<Partial<Record<status, FailureCode>>> = {
  [status.INVALID_ARGUMENT]: 'invalid',
  [status.NOT_FOUND]: 'not_found',
  [status.FAILED_PRECONDITION]: 'refused',
  [status.ALREADY_EXISTS]: 'refused',
  [status.PERMISSION_DENIED]: 'denied',
  [status.UNAUTHENTICATED]: 'denied',
  [status.RESOURCE_EXHAUSTED]: 'exhausted',
  [status.UNIMPLEMENTED]: 'unsupported',
  [status.DEADLINE_EXCEEDED]: 'timeout',
};

/** A refusal that is about a name says that the name is taken. */
const namesAThing = (field: string | null): boolean =>
  field !== null && /(^|\.)(connection|name)$/.test(field);

/** grpc-js percent-encodes the text, and dies of half a surrogate pair. */
const wellFormed = (text: string): string => Buffer.from(text).toString();

const cut = (text: string): string =>
  text.length <= maxErrorText
    ? text
    : `${text.slice(0, maxErrorText)}... (${text.length - maxErrorText} more characters in the agent's log)`;

/** Metadata is printable ASCII; a path or a name need not be. */
export const ascii = (json: string): string =>
  json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

export interface StatusAnswer {
  code: status;
  details: string;
  metadata: Metadata;
}

export function statusOf(error: Failure): StatusAnswer {
  const { code, field, value, allowed } = error;
  const metadata = new Metadata();
  const detail = { code, field, value: value === null ? null : cut(value), allowed };
  metadata.set(errorTrailer, ascii(JSON.stringify(detail)));
  return {
    code: code === 'refused' && namesAThing(field) ? status.ALREADY_EXISTS : statuses[code],
    details: wellFormed(cut(error.message)),
    metadata,
  };
}

interface Detail {
  code: FailureCode;
  field?: string;
  value?: string;
  allowed?: string;
}

const isText = (value: unknown): value is string => typeof value === 'string';

function detailOf(metadata: Metadata): Detail | null {
  const [trailer] = metadata.get(errorTrailer);
  if (!isText(trailer)) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(trailer);
  } catch {
    // The status and its text are still worth showing.
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const said: Readonly<Record<string, unknown>> = { ...parsed };
  const code = (Object.keys(statuses) as FailureCode[]).find((known) => known === said.code);
  if (code === undefined) return null;
  return {
    code,
    ...(isText(said.field) && { field: said.field }),
    ...(isText(said.value) && { value: said.value }),
    ...(isText(said.allowed) && { allowed: said.allowed }),
  };
}

/** The Failure behind a status; its own words if it carries them. UNAVAILABLE is not for here. */
export function failureOf(error: ServiceError): Failure {
  const { code, ...detail } = detailOf(error.metadata) ?? { code: codes[error.code] ?? 'failed' };
  const message = error.details === '' ? `Call failed with gRPC status ${error.code}` : error.details;
  return new Failure(code, message, { ...detail, cause: error });
}
