import { run } from '../pods.ts';
import { openFds } from '../fds.ts';

/** iproute2 as the independent writer and reader: `ip('link add ...')`. */
export const ip = (command: string): string => run('ip', ...command.split(' '));

/** What `ip -j` or `tc -j` prints; the caller says what it looks at. */
export function json(command: string): unknown {
  const [program = '', ...args] = command.split(' ');
  return JSON.parse(run(program, ...args) || '[]');
}

/** Sockets and namespaces among the open fds: what src/net opens. */
export const netFds = (): string[] =>
  [...openFds()].filter(([, target]) => /^(socket|net):/.test(target)).map((entry) => entry.join(' '));

/** Those of them that are open now and were not. */
export const netFdsSince = (before: readonly string[]): string[] =>
  netFds().filter((entry) => !before.includes(entry));
