import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually } from '../pods.ts';

const main = fileURLToPath(new URL('../../dist/src/main.js', import.meta.url));

export interface Ended {
  /** As a shell gives it: 128 and the signal's number for a process that a signal ended. */
  code: number;
  out: string;
  err: string;
}

/** The built command, running. */
export class Vwire {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  out = '';
  err = '';

  constructor(words: readonly string[], uid = 0) {
    this.child = spawn(process.execPath, [main, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      uid,
      gid: uid,
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        const bySignal = signal === 'SIGINT' ? 130 : signal === 'SIGKILL' ? 137 : 143;
        resolve({ code: code ?? bySignal, out: this.out, err: this.err });
      });
    });
  }

  /** Waits until what was printed has this in it. */
  async says(text: string): Promise<void> {
    await eventually(() => {
      if (!this.out.includes(text)) throw new Error(`'${text}' was not printed: ${this.out}${this.err}`);
    });
  }
}

/** Runs one command line to its end; words are split at blanks. */
export async function vwire(line: string, uid = 0): Promise<Ended> {
  return new Vwire(
    line.split(' ').filter((word) => word !== ''),
    uid,
  ).ended;
}

/** Starts an agent and waits until it answers. The caller ends it. */
export async function startAgent(instance: string): Promise<Vwire> {
  const ready = `/run/${instance}.ready`;
  // That of a killed agent stays until the next one has started to run.
  rmSync(ready, { force: true });
  const agent = new Vwire(['agent', '--instance', instance, '--ready-file', ready]);
  await eventually(() => {
    if (!existsSync(ready)) throw new Error(`The agent is not ready: ${agent.out}${agent.err}`);
  });
  return agent;
}
