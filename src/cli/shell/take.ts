import { Failure } from '../../features/failure.ts';
import { Given } from './given.ts';
import { commonFlags } from './settings.ts';
import { type Flag, type Table, type Verb, type VerbRow, headsOf } from './verb.ts';

/** What yargs makes of a command line; its own entries are `_`, `$0`, `help` and `version`. */
export type Argv = Readonly<Record<string, unknown>>;

/** The verb that was typed, loaded. */
export interface Picked {
  row: VerbRow;
  verb: Verb;
}

export function usageOf({ row, verb }: Picked): string {
  const places = verb.positionals.map(({ name, many, optional }) => {
    const place = many ? `${name}..` : name;
    return optional ? `[${place}]` : place;
  });
  return ['vwire', ...row.path, ...places].join(' ');
}

const own = new Set(['_', '$0', 'help', 'version']);
const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);

function valueOf(flag: Flag, given: unknown): readonly string[] | true | null {
  const { name } = flag;
  if (Array.isArray(given) && !flag.many)
    throw new Failure('invalid', `'--${name}' is given ${given.length} times: it is allowed once`, {
      field: name,
      value: given.map(String).join(' '),
      allowed: 'once',
    });
  if (typeof given === 'boolean') return given ? true : null;
  return (Array.isArray(given) ? given : [given]).map((value: unknown) => textOf(flag, value));
}

function textOf(flag: Flag, given: unknown): string {
  const { name, choices } = flag;
  if (typeof given !== 'string' || given === '')
    throw new Failure('invalid', `'--${name}' needs a value: ${flag.value ?? ''}`, {
      field: name,
      value: '',
      allowed: flag.value ?? '',
    });
  if (choices !== null && !choices.includes(given))
    throw new Failure('invalid', `'--${name} ${given}' is not known: allowed are ${choices.join(', ')}`, {
      field: name,
      value: given,
      allowed: choices.join(', '),
    });
  return given;
}

function positionalsOf(argv: Argv, picked: Picked): string[] {
  const { row, verb } = picked;
  const all = Array.isArray(argv._) ? argv._.map(String) : [];
  const words = all.slice(row.path.length);
  const missing = verb.positionals[words.length];
  if (missing?.optional === false)
    throw new Failure('invalid', `Missing ${missing.name}: usage is '${usageOf(picked)}'`, {
      field: missing.name.toLowerCase(),
      allowed: missing.summary,
    });
  const extra = words[verb.positionals.length];
  if (extra !== undefined && verb.positionals.at(-1)?.many !== true)
    throw new Failure('invalid', `'${extra}' is one word too many: usage is '${usageOf(picked)}'`, {
      value: extra,
      allowed: usageOf(picked),
    });
  return words;
}

/** Checks what was typed against what the verb takes. */
export function take(argv: Argv, picked: Picked): Given {
  const flags = [...picked.verb.flags, ...commonFlags];
  const known = new Map(flags.map((flag) => [flag.name, flag]));
  // yargs says each value under both names.
  const shorts = new Set(flags.map(({ short }) => short));
  const taken = new Map<string, readonly string[] | true>();
  for (const [name, given] of Object.entries(argv)) {
    if (own.has(name) || given === undefined || shorts.has(name)) continue;
    const flag = known.get(name);
    if (flag === undefined) {
      const allowed = flags.map((each) => dashed(each.name)).join(', ');
      throw new Failure(
        'invalid',
        `'${dashed(name)}' is not a flag of 'vwire ${picked.row.path.join(' ')}': allowed are ${allowed}`,
        { value: dashed(name), allowed },
      );
    }
    const value = valueOf(flag, given);
    if (value !== null) taken.set(name, value);
  }
  return new Given(taken, positionalsOf(argv, picked));
}

/** No verb was found: says which there are. */
export function takeNothing(argv: Argv, table: Table): never {
  const words = Array.isArray(argv._) ? argv._.map(String) : [];
  const group = words[0] !== undefined && words[0] in table.groups ? words[0] : null;
  const named = group === null ? words[0] : words[1];
  const place = group === null ? 'vwire' : `vwire ${group}`;
  const inGroup = table.rows.filter(({ path }) => path.length > 1 && path[0] === group);
  const allowed = (group === null ? headsOf(table) : inGroup.map(({ path }) => path[1])).join(', ');
  throw named === undefined
    ? new Failure('invalid', `Missing verb: '${place}' takes ${allowed}`, { field: 'verb', allowed })
    : new Failure('invalid', `'${named}' is not a verb of '${place}': allowed are ${allowed}`, {
        field: 'verb',
        value: named,
        allowed,
      });
}
