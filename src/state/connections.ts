import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionRecord } from './connection-record.ts';
import { removeFile, replaceFile } from './files.ts';
import { connectionsDirectory } from './view.ts';

/** The connections of a running agent, as files; the only writer. Ids hold nothing that a file name may not. */
export class ConnectionFiles {
  readonly #directory: string;

  constructor(instanceDirectory: string) {
    this.#directory = connectionsDirectory(instanceDirectory);
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  write(record: ConnectionRecord): void {
    replaceFile(join(this.#directory, `${record.id}.json`), `${JSON.stringify(record)}\n`);
  }

  remove(id: string): void {
    removeFile(this.#directory, `${id}.json`);
  }
}
