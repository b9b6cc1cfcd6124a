import { type Screen, TerminalScreen } from './screen.ts';

/** Where a verb writes and what it may know about its surroundings; tests pass their own. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  /** Stdin, to its end. */
  input(): AsyncIterable<Buffer>;
  env: Readonly<Record<string, string | undefined>>;
  terminal: Terminal;
  /** Takes the whole terminal over; null where there is none. Whoever takes it closes it. */
  screen(): Screen | null;
  now(): Date;
  /**
   * Aborts when one of these signals comes. Until a verb asks, signals do what they always do;
   * a second signal after the first ends the process.
   */
  until(...signals: NodeJS.Signals[]): AbortSignal;
}

export interface Terminal {
  /** Whether somebody watches stdout; if not, output is for programs. */
  watched: boolean;
  colour: boolean;
}

/** A colour needs a terminal, a capable one, and nobody who said NO_COLOR (no-color.org). */
export function terminalOf(
  stream: { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const watched = stream.isTTY === true;
  return { watched, colour: watched && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb' };
}

function until(signals: NodeJS.Signals[]): AbortSignal {
  const controller = new AbortController();
  for (const name of signals)
    process.once(name, () => {
      controller.abort(name);
    });
  return controller.signal;
}

/**
 * The Io of a process. A reader that goes away (`vwire watch | head -1`) ends the process quietly,
 * as it would end a process without an EPIPE handler of its own.
 */
export function processIo(): Io {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    input: () => process.stdin as AsyncIterable<Buffer>,
    env: process.env,
    terminal: terminalOf(process.stdout, process.env),
    screen: () =>
      process.stdout.isTTY && process.stdin.isTTY
        ? new TerminalScreen(process.stdout, process.stdin, until(['SIGINT', 'SIGTERM', 'SIGHUP']))
        : null,
    now: () => new Date(),
    until: (...signals) => until(signals),
  };
}
