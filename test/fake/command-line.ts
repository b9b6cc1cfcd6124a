import { Readable } from 'node:stream';
import { run } from '../../src/cli/shell/run.ts';
import type { Io, Terminal } from '../../src/cli/shell/io.ts';
import type { Screen } from '../../src/cli/shell/screen.ts';
import type { Sources } from '../../src/cli/shell/sources.ts';
import { table } from '../../src/cli/verbs.ts';

const refuse = (what: string) => (): never => {
  throw new Error(`this test did not expect ${what}`);
};

const noSources: Sources = {
  readWires: refuse('readWires'),
  readConnections: refuse('readConnections'),
  readStory: refuse('readStory'),
  explain: refuse('explain'),
  openSampler: refuse('openSampler'),
  connect: refuse('connect'),
  doctor: refuse('doctor'),
  startAgent: refuse('startAgent'),
};

export interface CommandLineOptions {
  sources?: Partial<Sources>;
  stdin?: string;
  env?: Readonly<Record<string, string>>;
  screen?: Screen;
  terminal?: Terminal;
  /** Sent as Ctrl-C or SIGTERM when aborted. */
  signal?: AbortSignal;
  /** Called with all of stdout after each write. */
  onOut?: (out: string) => void;
}

export interface Done {
  code: number;
  out: string;
  err: string;
}

/** Runs one command line in this process. Words are split at blanks. */
export async function vwire(line: string, options: CommandLineOptions = {}): Promise<Done> {
  const done = { out: '', err: '' };
  const io: Io = {
    out: (text) => {
      done.out += text;
      options.onOut?.(done.out);
    },
    err: (text) => {
      done.err += text;
    },
    input: () => Readable.from([Buffer.from(options.stdin ?? '')]),
    env: options.env ?? {},
    screen: () => options.screen ?? null,
    terminal: options.terminal ?? { watched: false, colour: false },
    now: () => new Date('2026-01-02T04:05:06.000Z'),
    until: () => options.signal ?? new AbortController().signal,
  };
  const words = line.split(' ').filter((word) => word !== '');
  const sources = { ...noSources, ...options.sources };
  const code = await run(words, { table, version: '1.2.3', io, sources });
  return { code, ...done };
}
