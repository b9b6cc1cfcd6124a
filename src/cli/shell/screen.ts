import type { ReadStream, WriteStream } from 'node:tty';

/** The whole terminal, taken over until it is closed. */
export interface Screen {
  size(): { columns: number; rows: number };
  /** Each line is no wider than the screen. */
  draw(lines: readonly string[]): void;
  /** Settles when the time is over, the size has changed, or somebody wants it to end. */
  wait(ms: number): Promise<'time' | 'resized' | 'quit' | 'interrupted'>;
  close(): void;
}

type Woken = Awaited<ReturnType<Screen['wait']>>;

const escape = '\u001b[';
const ctrlC = '\u0003';

/**
 * A terminal's other screen: what stood there before is there again afterwards. A picture is written over the one
 * before in one write, which terminals that know mode 2026 show at once: nothing flickers.
 */
export class TerminalScreen implements Screen {
  readonly #output: WriteStream;
  readonly #input: ReadStream;
  readonly #signal: AbortSignal;
  #waiter: ((why: Woken) => void) | null = null;
  /** What came while nobody waited. */
  #missed: Woken | null = null;

  /** `signal` is for signals: keys are read raw, so that Ctrl-C is one of them. */
  constructor(output: WriteStream, input: ReadStream, signal: AbortSignal) {
    this.#output = output;
    this.#input = input;
    this.#signal = signal;
    input.setRawMode(true);
    input.on('data', this.#onKeys);
    output.on('resize', this.#onResize);
    signal.addEventListener('abort', this.#onSignal);
    output.write(`${escape}?1049h${escape}?25l`);
  }

  size(): { columns: number; rows: number } {
    return { columns: this.#output.columns, rows: this.#output.rows };
  }

  draw(lines: readonly string[]): void {
    const picture = lines.map((line) => `${line}${escape}K`).join('\r\n');
    this.#output.write(`${escape}?2026h${escape}H${picture}${escape}J${escape}?2026l`);
  }

  async wait(ms: number): Promise<Woken> {
    if (this.#signal.aborted) return 'interrupted';
    const missed = this.#missed;
    this.#missed = null;
    if (missed !== null) return missed;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#wake('time');
      }, ms);
      this.#waiter = (why) => {
        clearTimeout(timer);
        resolve(why);
      };
    });
  }

  close(): void {
    this.#output.off('resize', this.#onResize);
    this.#signal.removeEventListener('abort', this.#onSignal);
    this.#input.off('data', this.#onKeys);
    this.#input.setRawMode(false);
    this.#input.pause();
    this.#output.write(`${escape}?25h${escape}?1049l`);
  }

  #wake(why: Woken): void {
    if (this.#waiter === null) this.#missed = why;
    else this.#waiter(why);
    this.#waiter = null;
  }

  readonly #onResize = (): void => {
    this.#wake('resized');
  };

  readonly #onSignal = (): void => {
    this.#wake('interrupted');
  };

  readonly #onKeys = (bytes: Buffer): void => {
    const keys = bytes.toString();
    if (keys.includes(ctrlC)) this.#wake('interrupted');
    else if (/q/i.test(keys)) this.#wake('quit');
  };
}
