import { commonFlags } from '../shell/settings.ts';
import type { Completes, Flag, Listed, Table, Verb } from '../shell/verb.ts';

export interface Word {
  word: string;
  summary: string;
}

/** The command line as a shell sees it. */
export interface Model {
  /** What may come after these words: '' for the first, 'wire' for the second of `wire add`. */
  places: readonly { after: string; words: readonly Word[] }[];
  /** Flags of every verb. */
  common: readonly Word[];
  verbs: readonly { path: string; flags: readonly Word[]; completes: Completes | null }[];
  /** What a value is completed with; flags of one name mean the same in every verb. */
  values: readonly { flags: readonly string[]; completes: Completes }[];
  /** Flags whose next word is a value. */
  valued: readonly string[];
}

/** Which verb lists what a place is completed with. */
export const listing: Readonly<Record<Listed, string>> = {
  wire: 'wire ls',
  connection: 'ls',
  endpoint: 'endpoint ls',
  service: 'service ls',
};

const dashed = ({ name }: Flag): string => `--${name}`;
const spellings = (flag: Flag): string[] =>
  flag.short === null ? [dashed(flag)] : [dashed(flag), `-${flag.short}`];
const wordOf = (flag: Flag): Word => ({ word: dashed(flag), summary: flag.summary });

function valuesOf(flags: readonly Flag[]): Model['values'] {
  const groups = new Map<string, { flags: string[]; completes: Completes }>();
  for (const flag of flags) {
    if (flag.completes === null) continue;
    const key = String(flag.completes);
    const group = groups.get(key) ?? { flags: [], completes: flag.completes };
    for (const word of spellings(flag)) if (!group.flags.includes(word)) group.flags.push(word);
    groups.set(key, group);
  }
  return [...groups.values()];
}

export async function modelOf({ rows, groups }: Table): Promise<Model> {
  const loaded: { path: readonly string[]; verb: Verb }[] = [];
  for (const row of rows) loaded.push({ path: row.path, verb: await row.load() });
  const all = [...loaded.flatMap(({ verb }) => verb.flags), ...commonFlags];
  const wordsAfter = (head: string): Word[] =>
    rows
      .filter(({ path }) => path[0] === head)
      .map(({ path, summary }) => ({ word: path[1] ?? '', summary }));
  const first = rows
    .filter(({ path }) => path.length === 1)
    .map(({ path, summary }) => ({ word: path[0] ?? '', summary }));
  return {
    places: [
      {
        after: '',
        words: [...first, ...Object.entries(groups).map(([word, summary]) => ({ word, summary }))],
      },
      ...Object.keys(groups).map((after) => ({ after, words: wordsAfter(after) })),
    ],
    common: [...commonFlags.map(wordOf), { word: '--help', summary: 'Show help' }],
    verbs: loaded.map(({ path, verb }) => ({
      path: path.join(' '),
      flags: verb.flags.map(wordOf),
      completes: verb.positionals[0]?.completes ?? null,
    })),
    values: valuesOf(all),
    valued: [...new Set(all.filter(({ value }) => value !== null).flatMap(spellings))],
  };
}

/** A word of shell source that stands for exactly this text, in bash and in zsh. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
