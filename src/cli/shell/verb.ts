import type { Given } from './given.ts';
import type { Io } from './io.ts';
import type { Settings } from './settings.ts';
import type { Sources } from './sources.ts';

/** What a `ls --quiet` of the command line lists. */
export type Listed = 'wire' | 'connection' | 'endpoint' | 'service';

/** What the shell offers at a place of the command line; `netns` and what is listed ask the machine. */
export type Completes = 'netns' | Listed | 'file' | 'directory' | readonly string[];

export interface Flag {
  /** Without the dashes. */
  name: string;
  /** One letter that stands for it behind a single dash; null for none. */
  short: string | null;
  summary: string;
  /** How the value is shown in the help; null for a flag that takes none. */
  value: string | null;
  /** The only values allowed; null allows any, and the verb decides. */
  choices: readonly string[] | null;
  /** May be given more than once. */
  many: boolean;
  completes: Completes | null;
}

export interface Positional {
  /** As the usage shows it, in capitals. */
  name: string;
  summary: string;
  /** As many words as are typed; otherwise one. */
  many: boolean;
  /** None is right too. */
  optional: boolean;
  completes: Completes | null;
}

export interface Context {
  given: Given;
  settings: Settings;
  io: Io;
  sources: Sources;
}

/** One verb of the command line. */
export interface Verb {
  /** Sentences for `--help`, below the summary; empty if that says it all. */
  details: string;
  positionals: readonly Positional[];
  flags: readonly Flag[];
  /** Settles with the exit code; throws what `exitOf` knows. */
  run(context: Context): Promise<number>;
}

/** A line of the table of verbs: what the help needs, and where the rest is. */
export interface VerbRow {
  /** As typed: `['wire', 'add']`. */
  path: readonly string[];
  summary: string;
  load(): Promise<Verb>;
}

export interface Table {
  rows: readonly VerbRow[];
  /** What the first words of longer paths mean: `wire` of `wire add`. */
  groups: Readonly<Record<string, string>>;
}

/** The words that may come first, in the order of the table. */
export const headsOf = ({ rows }: Table): string[] => [...new Set(rows.map(({ path }) => path[0] ?? ''))];

/** A flag that is there or not. */
export const toggle = (name: string, summary: string): Flag => ({
  name,
  short: null,
  summary,
  value: null,
  choices: null,
  many: false,
  completes: null,
});

/** A flag with a value, which is any text. */
export const text = (
  name: string,
  value: string,
  summary: string,
  completes: Completes | null = null,
): Flag => ({ name, short: null, summary, value, choices: null, many: false, completes });

/** A flag with a value that may be given more than once. */
export const texts = (
  name: string,
  value: string,
  summary: string,
  completes: Completes | null = null,
): Flag => ({ ...text(name, value, summary, completes), many: true });

/** A flag with one of a few values. */
export const choice = (name: string, value: string, choices: readonly string[], summary: string): Flag => ({
  name,
  short: null,
  summary,
  value,
  choices,
  many: false,
  completes: choices,
});
