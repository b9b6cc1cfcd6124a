/** What lets a test see the calls of a stand-in, hold them and make them fail. */
export class Gate {
  #failure: Error | null = null;
  #held: Promise<void> | null = null;
  /** Every call that changes something, in order. */
  readonly calls: unknown[] = [];

  /** The next call that changes something throws this. */
  failNext(error: Error): void {
    this.#failure = error;
  }

  /** Calls that change something wait until the returned function is called. */
  hold(): () => void {
    let open = (): void => undefined;
    this.#held = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  }

  async pass(call: unknown): Promise<void> {
    this.calls.push(call);
    await this.#held;
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }
}
