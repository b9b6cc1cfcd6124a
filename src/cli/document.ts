import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { Failure } from '../features/failure.ts';

/** What is asked for in a text that another program may have made: cut, and on one line. */
const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
};

function broken(from: string, what: string, cause: unknown): Failure {
  return new Failure('invalid', `${from}: ${what}`, { field: 'file', allowed: 'YAML or JSON', cause });
}

/** The documents of a YAML text, which a JSON text is too. `from` begins what is said when it is none. */
export function documentsOf(text: string, from: string): unknown[] {
  return [...parseAllDocuments(text, { prettyErrors: false, uniqueKeys: true })].map((document, at) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const line = text.slice(0, error.pos[0]).split('\n').length;
      throw broken(from, `line ${line} is no YAML: ${error.message}`, error);
    }
    try {
      return document.toJS({ maxAliasCount: 100 }) as unknown;
    } catch (cause) {
      throw broken(from, `document ${at + 1} is no YAML: ${(cause as Error).message}`, cause);
    }
  });
}

/** An object with these keys only; a message says which they are. */
export const only = <S extends z.ZodRawShape>(shape: S) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? Object.keys(shape).join(', ')
        : `an object of ${Object.keys(shape).join(', ')}`,
  });

const pathOf = (path: readonly PropertyKey[]): string =>
  path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`))
    .join('');

const valueAt = (document: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    document,
  );

/**
 * What a document says, checked. In the schema every message is what is allowed there, in words. `from`
 * begins what is said when it is not.
 */
export function checked<T>(schema: z.ZodType<T>, document: unknown, from: string): T {
  const read = schema.safeParse(document);
  if (read.success) return read.data;
  const issue = read.error.issues[0] ?? { code: 'custom', path: [], message: 'another document' };
  const field = pathOf(issue.path);
  const name = field === '' ? 'the document' : `'${field}'`;
  const value = valueAt(document, issue.path);
  const allowed = issue.message;
  const wrong = (what: string): Failure =>
    new Failure('invalid', `${from}: ${what}`, {
      field,
      ...(value !== undefined && { value: shown(value) }),
      allowed,
    });
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => `'${key}'`).join(', ');
    return raise(wrong(`${keys} of ${name} is not known: allowed are ${allowed}`));
  }
  return raise(
    wrong(
      value === undefined
        ? `${name} is missing: it takes ${allowed}`
        : `${name} is ${shown(value)}: it takes ${allowed}`,
    ),
  );
}

const raise = (failure: Failure): never => {
  throw failure;
};
