import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type {
  MoveChange,
  SideSpec,
  WireChange,
  WireItem,
  WireName,
  WireSpec,
} from '../../src/features/wire/api.ts';
import { agentConfig } from './node.ts';

const program = fileURLToPath(new URL('keeper.mjs', import.meta.url));

/** An agent in a process of its own that takes all a wire can be told; a test may let it die at a fault point. */
export class Keeper {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Settles when it has adopted what there is. `fault` is VWIRE_FAULT of the process. */
  static async start(place: { instance: string; runDir: string }, fault = ''): Promise<Keeper> {
    const child = spawn(process.execPath, [program, JSON.stringify(agentConfig(place))], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, VWIRE_FAULT: fault },
    });
    // Of one that is gone already.
    child.stdin.on('error', () => undefined);
    const keeper = new Keeper(child, createInterface({ input: child.stdout }));
    await keeper.#answer();
    return keeper;
  }

  add(spec: WireSpec): Promise<WireItem> {
    return this.#ask<WireItem>('add', spec);
  }

  update(name: WireName, change: WireChange): Promise<WireItem> {
    return this.#ask<WireItem>('update', name, change);
  }

  moveSide(name: WireName, side: 'left' | 'right', to: SideSpec, along?: MoveChange): Promise<WireItem> {
    return this.#ask<WireItem>('moveSide', name, side, to, ...(along ? [along] : []));
  }

  async remove(name: WireName): Promise<void> {
    await this.#ask('remove', name);
  }

  list(): Promise<WireItem[]> {
    return this.#ask<WireItem[]>('list');
  }

  /** In good order; the wires stay. Returns the signal or exit code it ended with. */
  async end(): Promise<string> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await new Promise((resolve) => this.#child.once('exit', resolve));
    return this.#child.signalCode ?? String(this.#child.exitCode);
  }

  async #ask<T>(...call: unknown[]): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify(call)}\n`);
    return (await this.#answer()) as T;
  }

  async #answer(): Promise<unknown> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('The agent is gone');
    const answer = JSON.parse(line.value) as { value: unknown } | { error: string };
    if ('error' in answer) throw new Error(answer.error);
    return answer.value;
  }
}
