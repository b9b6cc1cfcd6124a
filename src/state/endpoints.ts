import { join } from 'node:path';
import type { EndpointRecord } from './endpoint-record.ts';
import { removeFile, replaceFile, writeIn } from './files.ts';
import { endpointsDirectory } from './view.ts';

/** The endpoints an agent answers for, as files; the only writer. Names hold nothing that a file name may not. */
export class EndpointFiles {
  readonly #directory: string;

  constructor(instanceDirectory: string) {
    this.#directory = endpointsDirectory(instanceDirectory);
    writeIn(this.#directory);
  }

  write(record: EndpointRecord): void {
    replaceFile(join(this.#directory, `${record.name}.json`), `${JSON.stringify(record)}\n`);
  }

  remove(name: string): void {
    removeFile(this.#directory, `${name}.json`);
  }
}
