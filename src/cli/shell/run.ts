import { errorJson } from '../output/json.ts';
import { printable } from '../output/style.ts';
import { type Complaint, Interrupted, complaintOf, exitCodes, exitOf } from './exit.ts';
import type { Io } from './io.ts';
import { parse } from './parse.ts';
import { settingsOf } from './settings.ts';
import type { Sources } from './sources.ts';
import type { Table } from './verb.ts';

export interface Surroundings {
  table: Table;
  version: string;
  io: Io;
  sources: Sources;
}

function complain(complaint: Complaint, json: boolean, io: Io): void {
  if (json) io.err(errorJson(complaint));
  // A line of its own below the ^C that the terminal shows says nothing more.
  else if (complaint.code !== 'interrupted') io.err(`vwire: ${shown(complaint.message)}\n`);
}

/** Messages may have lines (a verifier's log); within a line nothing reaches the terminal raw. */
const shown = (message: string): string => message.split('\n').map(printable).join('\n');

/** The way an error came: itself and its causes, each with its stack. */
function trace(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const cause = error.cause === undefined ? '' : `caused by ${trace(error.cause)}`;
  return `${error.stack ?? error.message}\n${cause}`;
}

/** Runs one command line; settles with the exit code and never throws. */
export async function run(
  words: readonly string[],
  { table, version, io, sources }: Surroundings,
): Promise<number> {
  // Until the flags are parsed the words are all there is to say how errors are wanted.
  let json = words.includes('--json');
  let tracing = false;
  try {
    const parsed = await parse(words, table, version);
    if (parsed.what === 'print') {
      io.out(parsed.text);
      return exitCodes.ok;
    }
    const { verb, given } = parsed;
    const settings = settingsOf(given);
    json = settings.json;
    tracing = settings.log?.all === 'debug' || settings.log?.all === 'trace';
    return await verb.run({ given, settings, io, sources });
  } catch (error) {
    const complaint = complaintOf(error);
    complain(complaint, json, io);
    if (tracing && !(error instanceof Interrupted)) io.err(trace(error));
    return exitOf(complaint);
  }
}
