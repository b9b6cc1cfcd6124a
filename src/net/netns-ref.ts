import { InputError } from './input.ts';

/** How a user names a network namespace. */
export type NetnsRef =
  | { readonly kind: 'pid'; readonly pid: number }
  /** A file in /run/netns. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'path'; readonly path: string };

export const NETNS_ALLOWED = "'pid:N', 'name:N' (a file in /run/netns) or 'path:P' (absolute)";
// PID_MAX_LIMIT of 64-bit kernels.
const MAX_PID = 4194304;

/** Bare text is a path if it has a slash, a pid if it is all digits, else a name. */
export function parseNetns(value: string, field = 'netns'): NetnsRef {
  const refuse = (problem: string): InputError => new InputError(field, value, NETNS_ALLOWED, problem);
  const [, prefix, rest] = /^(?:(pid|name|path):)?(.*)$/s.exec(value) ?? [];
  const text = rest ?? '';
  if (text === '') throw refuse('nothing is named');
  if (text.includes('\0')) throw refuse('it has a NUL byte');
  switch (prefix ?? (text.includes('/') ? 'path' : /^\d+$/.test(text) ? 'pid' : 'name')) {
    case 'pid': {
      const pid = /^\d{1,7}$/.test(text) ? Number(text) : 0;
      if (pid < 1 || pid > MAX_PID) throw refuse(`a pid is a number from 1 to ${MAX_PID}`);
      return { kind: 'pid', pid };
    }
    case 'path':
      if (!text.startsWith('/'))
        throw refuse('a path is absolute, since the agent has a working directory of its own');
      return { kind: 'path', path: text };
    default:
      if (text.includes('/')) throw refuse('a name has no slash');
      if (text === '.' || text === '..') throw refuse('that is a directory');
      if (Buffer.byteLength(text) > 255) throw refuse('a name has at most 255 bytes');
      return { kind: 'name', name: text };
  }
}

/** The text that `parseNetns` takes back. */
export function formatNetns(ref: NetnsRef): string {
  switch (ref.kind) {
    case 'pid':
      return `pid:${ref.pid}`;
    case 'name':
      return `name:${ref.name}`;
    case 'path':
      return `path:${ref.path}`;
  }
}

export function netnsPath(ref: NetnsRef): string {
  switch (ref.kind) {
    case 'pid':
      return `/proc/${ref.pid}/ns/net`;
    case 'name':
      return `/run/netns/${ref.name}`;
    case 'path':
      return ref.path;
  }
}
