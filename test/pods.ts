import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/** Runs a program to its end and returns what it printed; its error text is part of the failure. */
export function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * Network namespaces that play pods, with names no other test file has. Only inside test/sandbox.sh:
 * they live in its private /run/netns and end with it, even after a SIGKILL.
 */
export class Pods {
  readonly #mark = randomBytes(4).toString('hex');
  readonly #names: string[] = [];
  readonly #processes: ChildProcess[] = [];

  /** Makes a pod with lo up and returns its name for `ip netns` and for `name:` references. */
  make(label: string): string {
    const name = `${label}-${this.#mark}`;
    run('ip', 'netns', 'add', name);
    this.#names.push(name);
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    return name;
  }

  /** Gives a pod what a CNI would: eth0 10.244.0.5/24 with a default route. Its other end is in the pod as well. */
  giveEth0(pod: string): void {
    run('ip', '-n', pod, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'cni0');
    run('ip', '-n', pod, 'link', 'set', 'cni0', 'up');
    run('ip', '-n', pod, 'addr', 'add', '10.244.0.5/24', 'dev', 'eth0');
    run('ip', '-n', pod, 'link', 'set', 'eth0', 'up');
    run('ip', '-n', pod, 'route', 'add', 'default', 'via', '10.244.0.1');
  }

  /** Runs a program inside a pod. (ip netns exec hides bpffs: tools that read pins run outside.) */
  exec(pod: string, command: string, ...args: string[]): string {
    return run('ip', 'netns', 'exec', pod, command, ...args);
  }

  /** Starts a program inside a pod; it is killed by `close` at the latest. */
  spawn(pod: string, command: string, ...args: string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', pod, command, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#processes.push(child);
    return child;
  }

  /** Ends one pod while others go on. */
  remove(name: string): void {
    run('ip', 'netns', 'del', name);
    this.#names.splice(this.#names.indexOf(name), 1);
  }

  close(): void {
    for (const child of this.#processes.splice(0)) child.kill('SIGKILL');
    for (const name of this.#names.splice(0)) run('ip', 'netns', 'del', name);
  }
}

/** Looks again and again until `probe` gives something, or throws what it last found wrong. */
export async function eventually<T>(probe: () => T, limitMs = 10_000): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    try {
      return probe();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
