import { execFileSync } from 'node:child_process';

/** Runs ip(8) inside the sandbox the tests live in. */
export const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

let made = 0;

/** A veth pair, both ends here and up; `remove` may be called early. */
export interface Device {
  readonly name: string;
  readonly ifindex: number;
  remove(): void;
}

const live = new Set<string>();

export function makeDevice(): Device {
  const name = `ldr${made++}`;
  ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`);
  ip('link', 'set', name, 'up');
  ip('link', 'set', `${name}p`, 'up');
  live.add(name);
  // Not from /sys: the sandbox sees that of the namespace it came from.
  const [shown] = JSON.parse(ip('-j', 'link', 'show', name)) as [{ ifindex: number }];
  return {
    name,
    ifindex: shown.ifindex,
    remove: () => {
      if (live.delete(name)) ip('link', 'del', name);
    },
  };
}

export function removeDevices(): void {
  for (const name of live) ip('link', 'del', name);
  live.clear();
}
