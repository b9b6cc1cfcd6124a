import { Failure } from '../../features/failure.ts';

const allowed = 'pid:N, name:N (a file in /run/netns) or path:P';

/**
 * The file of a namespace that is given as everywhere: bare, it is a path if it has a slash, a pid if it is all
 * digits, else a name. It is opened here, by the caller, and passed to the agent.
 */
export function netnsPathOf(typed: string): string {
  const [, kind = null, rest = typed] = /^(pid|name|path):(.*)$/s.exec(typed) ?? [];
  const is = kind ?? (typed.includes('/') ? 'path' : /^\d+$/.test(typed) ? 'pid' : 'name');
  if (is === 'pid' && /^\d{1,10}$/.test(rest)) return `/proc/${rest}/ns/net`;
  if (is === 'name' && /^[^/]+$/.test(rest) && rest !== '.' && rest !== '..') return `/run/netns/${rest}`;
  if (is === 'path' && rest.startsWith('/')) return rest;
  throw new Failure('invalid', `'--netns ${typed}' is no namespace: it takes ${allowed}`, {
    field: 'netns',
    value: typed,
    allowed,
  });
}
