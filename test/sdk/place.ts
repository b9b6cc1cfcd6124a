import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually, Pods, run } from '../pods.ts';
import { AgentProcess, type AgentOptions } from '../wire/agent-process.ts';
import { bpffs } from '../wire/node.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** An agent of its own and pods, for programs that use the libraries. The test closes it. */
export class SdkPlace {
  readonly instance = `s${randomBytes(4).toString('hex')}`;
  readonly runDir = mkdtempSync('/run/vwire-sdk-');
  readonly pods = new Pods();
  readonly #programs: Program[] = [];
  readonly #made: string[] = [];
  #count = 0;
  #agent: AgentProcess | null = null;

  /** Where workloads ask. */
  get url(): string {
    return `unix://${this.runDir}/${this.instance}/workload/agent.sock`;
  }

  get agent(): AgentProcess {
    if (this.#agent === null) throw new Error('No agent has been started');
    return this.#agent;
  }

  async start(options: AgentOptions = {}): Promise<AgentProcess> {
    this.#agent = await AgentProcess.start(this, options);
    return this.#agent;
  }

  /** Pods that no other test has, until `clear`. */
  make<const T extends readonly string[]>(...labels: T): { [K in keyof T]: string } {
    this.#count += 1;
    const made = labels.map((label) => {
      const pod = this.pods.make(`${label}${this.#count}`);
      this.#made.push(pod);
      return pod;
    });
    return made as { [K in keyof T]: string };
  }

  /** Ends all pods. */
  clear(): void {
    for (const pod of this.#made.splice(0)) this.pods.remove(pod);
  }

  /** A file of the package as a program in a pod, with NSM's settings. */
  program(pod: string, file: string, env: Record<string, string>, ...args: string[]): Program {
    return this.programOf(0, pod, file, env, ...args);
  }

  /** The same as a user. */
  programOf(uid: number, pod: string, file: string, env: Record<string, string>, ...args: string[]): Program {
    const program = new Program(uid, pod, `${root}${file}`, { NSM_CONNECT_TO: this.url, ...env }, args);
    this.#programs.push(program);
    return program;
  }

  /** Path of a pod's namespace. */
  netns(pod: string): string {
    return `/run/netns/${pod}`;
  }

  async close(): Promise<void> {
    for (const program of this.#programs) program.signal('SIGKILL');
    this.pods.close();
    if (this.#agent !== null && !this.#agent.ended) await this.#agent.stop();
    rmSync(`${bpffs}/vwire/${this.instance}`, { recursive: true, force: true });
    rmSync(this.runDir, { recursive: true, force: true });
  }
}

/** A process in a pod whose output is kept. */
export class Program {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | string>;
  said = '';

  constructor(uid: number, pod: string, file: string, env: Record<string, string>, args: readonly string[]) {
    // These leave the mounts as they are, and become the program.
    const user = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const words = [`--net=/run/netns/${pod}`, ...(uid === 0 ? [] : user), process.execPath, file, ...args];
    this.#child = spawn('nsenter', words, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    this.ended = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => {
        resolve(code ?? signal ?? 'nothing');
      }),
    );
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Waits until it has said so. */
  async says(text: RegExp | string): Promise<void> {
    await eventually(() => {
      if (this.said.search(text) < 0) throw new Error(`It does not say ${text}: ${this.said}`);
    }, 20_000);
  }
}

const ip = (pod: string, ...args: string[]): unknown => JSON.parse(run('ip', '-j', '-n', pod, ...args));

/** Where a pod's device leads. */
export const routesOf = (pod: string, device: string): string[] =>
  (ip(pod, 'route', 'show', 'dev', device) as { dst: string }[]).map(({ dst }) => dst);

/** The names of a pod's devices. */
export const devicesOf = (pod: string): string[] =>
  (ip(pod, 'link') as { ifname: string }[]).map(({ ifname }) => ifname);

/** The addresses of a pod's device that are not its link's own, as CIDRs. */
export const addressesOf = (pod: string, device: string): string[] =>
  (
    ip(pod, 'address', 'show', 'dev', device) as {
      addr_info: { local: string; prefixlen: number; scope: string }[];
    }[]
  )
    .flatMap(({ addr_info: all }) => all)
    .filter(({ scope }) => scope !== 'link')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`);

/** Everything there is in a pod's network: devices, addresses, routes, rules and neighbours that are there for good. */
export const stateOf = (pod: string): string[] => [
  run('ip', '-n', pod, '-o', 'address'),
  run('ip', '-n', pod, 'route', 'show', 'table', 'all'),
  run('ip', '-n', pod, '-6', 'route', 'show', 'table', 'all'),
  run('ip', '-n', pod, 'rule'),
  run('ip', '-n', pod, '-6', 'rule'),
  run('ip', '-n', pod, 'neigh', 'show', 'nud', 'permanent'),
];

/** Asks until the answer is yes; the test's own time limit says that it never will. */
export async function untilAsync(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** One echo each way; throws what ping says. */
export function ping(pods: Pods, pod: string, ...addresses: string[]): void {
  for (const address of addresses) pods.exec(pod, 'ping', '-c', '1', '-W', '2', address.replace(/\/.*/, ''));
}
