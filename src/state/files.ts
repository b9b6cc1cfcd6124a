import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const TEMPORARY = '.tmp';

/** For the only writer of a directory: makes it, and removes what an earlier one was killed in the middle of writing. */
export function writeIn(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(directory)) if (name.endsWith(TEMPORARY)) removeFile(directory, name);
}

/**
 * Writes whole or not at all: a reader, or a crash of the agent, sees the old content or the new.
 * Not synced to disk: what a wire is made of does not outlive the boot either. `between` is called when the new
 * content is there and does not count yet.
 */
export function replaceFile(path: string, text: string, between: () => void = () => undefined): void {
  const temporary = `${path}${TEMPORARY}`;
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    between();
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Null when there is no such file. */
export function readFileIfAny(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Names in a directory; none when it is missing. */
export function listIfAny(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function removeFile(directory: string, name: string): void {
  try {
    unlinkSync(join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
