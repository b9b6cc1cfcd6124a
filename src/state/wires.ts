import { join } from 'node:path';
import { removeFile, replaceFile, writeIn } from './files.ts';
import { wiresDirectory } from './view.ts';
import type { WireRecord } from './wire-record.ts';

/** The records of a running agent; the only writer. */
export class WireFiles {
  readonly #directory: string;

  constructor(instanceDirectory: string) {
    this.#directory = wiresDirectory(instanceDirectory);
    writeIn(this.#directory);
  }

  write(record: WireRecord): void {
    replaceFile(join(this.#directory, `${record.id}.json`), `${JSON.stringify(record)}\n`);
  }

  remove(id: number): void {
    removeFile(this.#directory, `${id}.json`);
  }
}
