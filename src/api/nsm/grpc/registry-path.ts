import { Metadata } from '@grpc/grpc-js';
import { z } from 'zod';
import { Failure } from '../../../features/failure.ts';
import { ascii } from '../../status.ts';
import { maxRegistryPathBytes } from './limits.ts';

/** The path of a registration, which has no place in its message and travels in metadata. */
export interface RegistryPath {
  index: number;
  /** One of each process, the registrant's first. Never logged. */
  tokens: readonly string[];
}

const key = 'path';

/** NSM's servers are written in Go, which takes a key in any case and null for nothing. */
const lowerCased = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).map(([name, of]) => [name.toLowerCase(), of as unknown]))
    : value;

const segment = z.preprocess(lowerCased, z.object({ token: z.string().nullish() }));
const header = z.preprocess(
  lowerCased,
  z.object({ index: z.uint32().nullish(), pathsegments: z.array(segment).nullish() }),
);

const malformed = (why: string): Failure =>
  new Failure('invalid', `Metadata '${key}' is no path of a registration: ${why}`, {
    field: key,
    allowed: '{"Index":0,"PathSegments":[{"token":"..."}]}',
  });

/** Null where there is none: only NSM's own policies need it. Throws Failure. The value, which holds tokens, is in no message. */
export function registryPathOf(metadata: Metadata): RegistryPath | null {
  const [value] = metadata.get(key);
  if (value === undefined) return null;
  const text = String(value);
  if (text.length > maxRegistryPathBytes)
    throw malformed(`it has ${text.length} bytes, and ${maxRegistryPathBytes} are the limit`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // What JSON.parse says quotes the text.
    throw malformed('it is not JSON');
  }
  const read = header.safeParse(parsed);
  if (!read.success)
    throw malformed(`'${read.error.issues[0]?.path.join('.') ?? ''}' is not what it should be`);
  const { index, pathsegments } = read.data;
  return { index: index ?? 0, tokens: (pathsegments ?? []).map(({ token }) => token ?? '') };
}

export function showRegistryPath({ index, tokens }: RegistryPath): Metadata {
  const metadata = new Metadata();
  const PathSegments = tokens.map((token) => ({ token }));
  metadata.set(key, ascii(JSON.stringify({ Index: index, PathSegments })));
  return metadata;
}
