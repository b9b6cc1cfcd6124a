import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeFile, replaceFile } from './files.ts';
import { wiresDirectory } from './view.ts';
import type { WireRecord } from './wire-record.ts';

/** The records of a running agent; the only writer. */
export class WireFiles {
  readonly #directory: string;

  constructor(instanceDirectory: string) {
    this.#directory = wiresDirectory(instanceDirectory);
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  write(record: WireRecord): void {
    replaceFile(join(this.#directory, `${record.id}.json`), `${JSON.stringify(record)}\n`);
  }

  remove(id: number): void {
    removeFile(this.#directory, `${id}.json`);
  }
}
