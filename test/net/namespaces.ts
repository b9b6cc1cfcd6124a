import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';

/** Set-up for the tests of this folder: iproute2 as the independent maker and reader. */
export function run(command: string): string {
  const [file, ...args] = command.split(' ');
  return execFileSync(file ?? '', args, { encoding: 'utf8' });
}

/** What `ip -j` and `tc -j` print; the caller says what it looks at. */
export function json(command: string): unknown {
  return JSON.parse(run(command) || '[]');
}

/** A namespace per test file, gone with the sandbox at the latest. */
export function makeNetns(name: string): { readonly name: string; remove(): void } {
  run(`ip netns add ${name}`);
  return {
    name,
    remove: () => {
      run(`ip netns del ${name}`);
    },
  };
}

/** What every open fd of this process is. */
export function openFds(): string[] {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`;
      } catch {
        // The directory that is being listed.
        return '';
      }
    })
    .filter((entry) => /socket:|net:|\/ns\/|netns/.test(entry));
}
