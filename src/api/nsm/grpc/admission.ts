import { setMaxListeners } from 'node:events';
import { Failure } from '../../../features/failure.ts';
import type { Caller } from './services.ts';

/** One call, from its headers until it has ended and the work for it too. */
export class Admission {
  readonly caller: Caller;
  /** Milliseconds since the epoch; null is never. */
  readonly deadline: number | null;
  readonly #abort = new AbortController();
  readonly #leave: () => void;
  readonly #begun: (() => void)[] = [];
  readonly #over: (() => void)[] = [];
  #state: 'waiting' | 'working' | 'answered' = 'waiting';
  #open = true;

  /** `leave` gives back what the call counted for. */
  constructor(caller: Caller, deadline: number | null, leave: () => void) {
    this.caller = caller;
    this.deadline = deadline;
    this.#leave = leave;
    // One for each thing done at a time for the call: no sign of a leak.
    setMaxListeners(0, this.#abort.signal);
  }

  /** Aborted, with a Failure, unless the call was answered first. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  whenBegun(act: () => void): void {
    this.#begun.push(act);
  }

  whenOver(act: () => void): void {
    this.#over.push(act);
  }

  /** The request is complete and the work begins. */
  begin(): void {
    this.#state = 'working';
    for (const act of this.#begun) act();
  }

  /** The work is over. An answer that is sent from here on aborts nothing. */
  settle(): void {
    this.#state = 'answered';
    if (!this.#open) this.#leave();
  }

  /** Nobody waits any more, be it that the answer was sent. Harmless when repeated. */
  end(why?: Failure): void {
    if (!this.#open) return;
    this.#open = false;
    for (const act of this.#over) act();
    // What works for nobody still counts for the caller who asked for it.
    if (this.#state !== 'working') this.#leave();
    if (this.#state !== 'answered') this.#abort.abort(why ?? this.#gone());
  }

  #gone(): Failure {
    const late = this.deadline !== null && Date.now() >= this.deadline;
    return late
      ? new Failure('timeout', 'The deadline of the call has passed')
      : new Failure('failed', 'The caller went away');
  }
}
