import { Failure } from '../../features/failure.ts';

/** What was typed for one verb, after the parser has checked names, choices and repetition. */
export class Given {
  readonly #flags: ReadonlyMap<string, readonly string[] | true>;
  readonly #positionals: readonly string[];

  constructor(flags: ReadonlyMap<string, readonly string[] | true>, positionals: readonly string[]) {
    this.#flags = flags;
    this.#positionals = positionals;
  }

  on(flag: string): boolean {
    return this.#flags.has(flag);
  }

  text(flag: string): string | null {
    return this.texts(flag)[0] ?? null;
  }

  /** In the order they were typed. */
  texts(flag: string): readonly string[] {
    const values = this.#flags.get(flag);
    return values === undefined || values === true ? [] : values;
  }

  required(flag: string, allowed: string): string {
    const value = this.text(flag);
    if (value !== null) return value;
    throw new Failure('invalid', `Missing '--${flag}': it takes ${allowed}`, { field: flag, allowed });
  }

  /** A whole number not below zero; its meaning is checked by whoever uses it. */
  count(flag: string, unit: string): number | null {
    const value = this.text(flag);
    if (value === null) return null;
    const allowed = `a whole number of ${unit}`;
    if (/^\d{1,9}$/.test(value)) return Number(value);
    throw new Failure('invalid', `'--${flag} ${value}' is not ${allowed}`, { field: flag, value, allowed });
  }

  /** All positional arguments; the parser has seen to it that there are as many as the verb wants. */
  get positionals(): readonly string[] {
    return this.#positionals;
  }

  get first(): string {
    const value = this.#positionals[0];
    if (value === undefined) throw new Error('a verb without positionals asked for its first');
    return value;
  }
}
