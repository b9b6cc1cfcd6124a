import { afterAll } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { eventually } from '../pods.ts';

const binary = fileURLToPath(new URL('../../dist/bin/frames', import.meta.url));

/** Where a tool runs: a device of a pod, or of the sandbox's own namespace (null). */
export interface Place {
  readonly pod: string | null;
  readonly device: string;
}

const command = ({ pod }: Place, ...words: string[]): [string, string[]] =>
  pod === null ? ['env', words] : ['ip', ['netns', 'exec', pod, ...words]];

export interface Sent {
  sent: number;
  refused: { line: number; error: string }[];
}

/**
 * Sends frames, given as hex lines, out of a device. All senders share one CPU, hence one backlog queue:
 * what is sent later arrives later.
 */
export function sendLines(from: Place, lines: readonly string[], { vnet = false } = {}): Sent {
  const flags = vnet ? ['--vnet'] : [];
  const [program, args] = command(from, 'taskset', '-c', '0', binary, 'send', from.device, ...flags);
  const { status, stdout, stderr } = spawnSync(program, args, {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`Sending from ${from.device} failed: ${stderr}`);
  return JSON.parse(stdout) as Sent;
}

export const sendFrames = (from: Place, frames: readonly Buffer[]): Sent =>
  sendLines(
    from,
    frames.map((frame) => frame.toString('hex')),
  );

const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * What arrives at (with `outgoing`, also what leaves) a device, or 'any', as hex lines, from `start` to
 * `stop`, which the end of the test file replaces for one that a failure left behind.
 */
export class Capture {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;
  #rest = '';
  #errors = '';

  private constructor(at: Place, flags: readonly string[]) {
    const [program, args] = command(at, binary, 'capture', at.device, '--seconds', '300', ...flags);
    this.#child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.#child);
    this.#exit = new Promise((resolve) =>
      this.#child.on('close', (status) => {
        running.delete(this.#child);
        resolve(status);
      }),
    );
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${this.#rest}${text}`.split('\n');
      this.#rest = lines.pop() ?? '';
      this.lines.push(...lines);
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  static async start(at: Place, { vnet = false, outgoing = false } = {}): Promise<Capture> {
    const capture = new Capture(at, [...(vnet ? ['--vnet'] : []), ...(outgoing ? ['--outgoing'] : [])]);
    await eventually(() => {
      if (capture.lines[0] !== 'ready') throw new Error(`The capture did not start: ${capture.#errors}`);
    });
    capture.lines.shift();
    return capture;
  }

  /** Waits for a frame; the kernel hands over what came before it first. */
  async seen(line: string): Promise<void> {
    await eventually(() => {
      if (!this.lines.includes(line)) throw new Error(`Not seen among ${this.lines.length} frames: ${line}`);
    });
  }

  /** Ends the capture and returns all of it. Fails if it lost frames itself. */
  async stop(): Promise<string[]> {
    this.#child.kill('SIGTERM');
    const status = await this.#exit;
    if (status !== 0) throw new Error(`The capture ended with status ${status}: ${this.#errors}`);
    return this.lines;
  }
}
