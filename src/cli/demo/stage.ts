import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const main = join(here, '..', '..', 'main.js');
const bin = join(here, '..', '..', '..', 'bin');

/** A program that goes on while the story does. */
export interface Running {
  readonly pid: number;
  /** Settles at the first line of its output. */
  ready(): Promise<void>;
  /** What it printed so far. */
  said(): string;
  /** Asks it to end (SIGTERM unless said) and returns all it printed. */
  end(signal?: NodeJS.Signals): Promise<string>;
}

/** Starts and stops what the story needs. Lives in namespaces that end with the demo's process. */
export class Stage {
  readonly #children = new Set<ChildProcess>();

  /** Runs a program to its end; its error text is part of the failure. */
  async run(command: string, ...args: string[]): Promise<string> {
    try {
      const { stdout } = await execute(command, args, {
        timeout: 60_000,
        killSignal: 'SIGKILL',
        maxBuffer: 1 << 26,
      });
      return stdout;
    } catch (error) {
      const { stderr, message } = error as { stderr?: string; message: string };
      throw new Error(`${command} ${args.join(' ')}: ${stderr?.trim() ? stderr.trim() : message}`, {
        cause: error,
      });
    }
  }

  async makePod(name: string): Promise<void> {
    await this.run('ip', 'netns', 'add', name);
    await this.run('ip', '-n', name, 'link', 'set', 'lo', 'up');
  }

  inPod(pod: string, command: string, ...args: string[]): Promise<string> {
    return this.run('nsenter', `--net=/run/netns/${pod}`, command, ...args);
  }

  /** A traffic tool in a pod, by name. */
  tool(pod: string, name: string, ...args: string[]): Promise<string> {
    return this.inPod(pod, join(bin, name), ...args);
  }

  /** The same with a file as its standard input. */
  async toolReading(file: string, pod: string, name: string, ...args: string[]): Promise<void> {
    const fd = openSync(file, 'r');
    const child = spawn('nsenter', [`--net=/run/netns/${pod}`, join(bin, name), ...args], {
      stdio: [fd, 'ignore', 'inherit'],
    });
    closeSync(fd);
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${name} ended with ${code ?? 'a signal'}`);
  }

  startTool(pod: string, name: string, ...args: string[]): Running {
    return this.start('nsenter', `--net=/run/netns/${pod}`, join(bin, name), ...args);
  }

  /** The product itself, as its users call it. */
  vwire(...args: string[]): Promise<string> {
    return this.run(process.execPath, main, ...args);
  }

  /** An agent as a process of its own; settles when it answers. */
  async startAgent(): Promise<Running> {
    const readyFile = '/run/agent.ready';
    const agent = this.start(
      process.execPath,
      main,
      'agent',
      '--log-level',
      'warn',
      '--ready-file',
      readyFile,
    );
    const wanted = `${agent.pid}\n`;
    for (const deadline = performance.now() + 20_000; performance.now() < deadline;) {
      if (existsSync(readyFile) && readFileSync(readyFile, 'utf8') === wanted) return agent;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`The agent was not ready within 20 s: ${await agent.end('SIGKILL')}`);
  }

  start(command: string, ...args: string[]): Running {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.add(child);
    let said = '';
    const gone = once(child, 'close').finally(() => this.#children.delete(child));
    const spoke = new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('\n')) resolve();
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      void gone.then(() => {
        reject(new Error(`${command} ended before it was ready: ${said.trim()}`));
      });
    });
    spoke.catch(() => undefined); // whoever waits hears of it; nobody has to wait
    return {
      pid: child.pid ?? 0,
      ready: () => spoke,
      said: () => said,
      end: async (signal = 'SIGTERM') => {
        child.kill(signal);
        await gone;
        return said;
      },
    };
  }

  /** Ends everything that still runs. */
  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}

/** The last line of a tool's output, which is JSON. */
export function resultOf(text: string): unknown {
  return JSON.parse(text.trim().split('\n').at(-1) ?? '');
}

/** What the story claims. An untrue claim ends the demo. */
export function claim(truth: boolean, text: string): void {
  if (!truth) throw new Error(`Untrue: ${text}`);
}
