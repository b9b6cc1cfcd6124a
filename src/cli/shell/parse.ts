import yargs, { type Argv } from 'yargs';
import type { Given } from './given.ts';
import { commonFlags } from './settings.ts';
import { type Picked, take, takeNothing, usageOf } from './take.ts';
import { type Flag, type Table, type Verb, type VerbRow, headsOf } from './verb.ts';

export type Parsed =
  | { what: 'run'; verb: Verb; given: Given }
  /** `--help` or `--version` was asked for. */
  | { what: 'print'; text: string };

/**
 * yargs finds the verb, splits the words and writes the help. What a flag may be is checked in
 * take.ts: the messages of yargs name neither the field nor what is allowed.
 */
const parserConfiguration = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'duplicate-arguments-array': true,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'short-option-groups': false,
};

function describe(parser: Argv, flags: readonly Flag[], group: string): Argv {
  for (const { name, short, summary, value, choices } of flags) {
    const shown = choices === null ? value : choices.join('|');
    parser.option(name, {
      ...(short !== null && { alias: short }),
      type: value === null ? 'boolean' : 'string',
      describe: shown === null ? summary : `${shown}: ${summary}`,
      group,
    });
  }
  return parser;
}

function introduction(picked: Picked): string {
  const places = picked.verb.positionals.map(({ name, summary }) => `${name}: ${summary}`).join('\n');
  return [`${usageOf(picked)} [flags]`, `${picked.row.summary}.`, picked.verb.details, places]
    .filter((paragraph) => paragraph !== '')
    .join('\n\n');
}

/** `--file -` as `--file=-`: yargs takes a lone dash, which is stdin, for a word of its own, and no verb does. */
const withDashes = (words: readonly string[]): string[] =>
  words.flatMap((word, at) => {
    if (words[at + 1] === '-' && /^-[^=]*[^=-]$/.test(word)) return [`${word}=-`];
    return word === '-' && at > 0 && /^-[^=]*[^=-]$/.test(words[at - 1] ?? '') ? [] : [word];
  });

/** Throws Failure `invalid` for what no verb can take. */
export async function parse(words: readonly string[], table: Table, version: string): Promise<Parsed> {
  const found: { picked: Picked | null } = { picked: null };
  const command = (parser: Argv, row: VerbRow): void => {
    const builder = async (inner: Argv): Promise<Argv> => {
      found.picked = { row, verb: await row.load() };
      inner.usage(introduction(found.picked));
      return describe(inner, found.picked.verb.flags, 'Flags:');
    };
    parser.command(row.path.at(-1) ?? '', row.summary, builder, () => undefined);
  };

  const parser = yargs()
    .scriptName('vwire')
    .usage('vwire VERB [flags]\n\nVirtual wires between workloads, forwarded by the kernel.')
    .parserConfiguration(parserConfiguration)
    .locale('en')
    .wrap(100)
    .version(version)
    .group(['help', 'version'], 'Common flags:')
    .exitProcess(false);
  describe(parser, commonFlags, 'Common flags:');
  for (const head of headsOf(table)) {
    const rows = table.rows.filter(({ path }) => path[0] === head);
    const summary = table.groups[head];
    if (summary === undefined) for (const row of rows) command(parser, row);
    else
      parser.command(head, summary, (inner) => {
        inner.usage(`vwire ${head} VERB [flags]\n\n${summary}.`);
        for (const row of rows) command(inner, row);
        return inner;
      });
  }

  let printed = '';
  const argv = await parser.parseAsync(
    withDashes(words),
    {},
    (_error: Error | undefined, _argv: unknown, output: string) => {
      printed += output;
    },
  );
  if (printed !== '') return { what: 'print', text: `${printed}\n` };
  const { picked } = found;
  if (picked === null) return takeNothing(argv, table);
  return { what: 'run', verb: picked.verb, given: take(argv, picked) };
}
