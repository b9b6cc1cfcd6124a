import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AdminClient } from '../../src/api/admin/client.ts';
import { eventually } from '../pods.ts';
import { bpffs } from './node.ts';

const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

/** Which instance an agent or a command line is for. */
export interface Place {
  readonly instance: string;
  readonly runDir: string;
}

const flagsOf = ({ instance, runDir }: Place): string[] => [
  ...['--instance', instance],
  ...['--run-dir', runDir],
  ...['--bpffs', bpffs],
];

/** Runs the built command line to its end; a failure holds what it said. */
export async function vwire(place: Place, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args, ...flagsOf(place)]);
  return stdout;
}

export interface AgentOptions {
  /** VWIRE_FAULT of the process. */
  fault?: string;
  args?: string[];
  /** More of its environment. */
  env?: Readonly<Record<string, string>>;
}

/** An agent in a process of its own, as users run it; a test may kill it. */
export class AgentProcess {
  readonly client: AdminClient;
  readonly #child: ChildProcess;
  readonly #readyFile: string;
  #log = '';

  private constructor(child: ChildProcess, place: Place, readyFile: string) {
    this.#child = child;
    this.#readyFile = readyFile;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    const socketPath = join(place.runDir, place.instance, 'admin.sock');
    this.client = new AdminClient({ socketPath, instance: place.instance, timeoutMs: 20_000, signal: null });
  }

  /** Starts one and does not wait for it. */
  static spawn(place: Place, { fault = '', args = [], env = {} }: AgentOptions = {}): AgentProcess {
    const readyFile = join(place.runDir, `ready-${process.hrtime.bigint()}`);
    const child = spawn(
      process.execPath,
      [main, 'agent', ...flagsOf(place), '--log-level', 'warn', '--ready-file', readyFile, ...args],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env, VWIRE_FAULT: fault } },
    );
    return new AgentProcess(child, place, readyFile);
  }

  /** Settles when the agent answers. */
  static async start(place: Place, options: AgentOptions = {}): Promise<AgentProcess> {
    const agent = AgentProcess.spawn(place, options);
    await eventually(() => {
      if (agent.ended) return;
      if (!existsSync(agent.#readyFile)) throw new Error(`The agent is not ready: ${agent.#log}`);
    }, 20_000);
    if (agent.ended) throw new Error(`The agent ended: ${agent.#log}`);
    return agent;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get log(): string {
    return this.#log;
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The signal or exit code it ended with. */
  async end(): Promise<string> {
    if (!this.ended) await new Promise((resolve) => this.#child.once('exit', resolve));
    this.client.close();
    return this.#child.signalCode ?? String(this.#child.exitCode);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.end();
  }

  /** In good order; the wires stay. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.end();
  }
}
