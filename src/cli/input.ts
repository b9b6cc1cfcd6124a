import { openSync, closeSync, readSync, fstatSync } from 'node:fs';
import { Failure } from '../features/failure.ts';
import type { Io } from './shell/io.ts';

/** Whoever writes such a file by hand, or by a template, stays far below. */
const maxBytes = 1024 * 1024;

function tooLarge(from: string): Failure {
  return new Failure('invalid', `${from} is larger than ${maxBytes} bytes`, {
    field: 'file',
    value: from,
    allowed: `at most ${maxBytes} bytes`,
  });
}

function cannotRead(file: string, cause: unknown): Failure {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return new Failure(
    code === 'ENOENT' ? 'not_found' : 'invalid',
    `File '${file}' cannot be read: ${code === 'ENOENT' ? 'there is none' : message}`,
    { field: 'file', value: file, allowed: 'a readable file, or - for stdin', cause },
  );
}

function contentOf(file: string): string {
  const fd = openSync(file, 'r');
  try {
    if (fstatSync(fd).isDirectory())
      throw new Failure('invalid', `'${file}' is a directory`, {
        field: 'file',
        value: file,
        allowed: 'a file',
      });
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length <= maxBytes; length += read)
      read = readSync(fd, buffer, length, buffer.length - length, null);
    if (length > maxBytes) throw tooLarge(`File '${file}'`);
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(fd);
  }
}

async function stdin(io: Io): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of io.input()) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) throw tooLarge('What stdin says');
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The text of a file, or of stdin for `-`; no more than 1 MiB. */
export async function readInput(file: string, io: Io): Promise<string> {
  if (file === '-') return stdin(io);
  try {
    return contentOf(file);
  } catch (error) {
    throw error instanceof Failure ? error : cannotRead(file, error);
  }
}
