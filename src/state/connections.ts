import { join } from 'node:path';
import { faultAt } from '../fault.ts';
import type { ConnectionRecord } from './connection-record.ts';
import { removeFile, replaceFile, writeIn } from './files.ts';
import { connectionsDirectory } from './view.ts';

/** The connections of a running agent, as files; the only writer. Ids hold nothing that a file name may not. */
export class ConnectionFiles {
  readonly #directory: string;

  constructor(instanceDirectory: string) {
    this.#directory = connectionsDirectory(instanceDirectory);
    writeIn(this.#directory);
  }

  write(record: ConnectionRecord): void {
    replaceFile(join(this.#directory, `${record.id}.json`), `${JSON.stringify(record)}\n`, () => {
      faultAt('write', 'connection', record.intent);
    });
  }

  remove(id: string): void {
    removeFile(this.#directory, `${id}.json`);
  }
}
