import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { FarewellRecord } from './farewell-record.ts';
import { removeFile, replaceFile, writeIn } from './files.ts';
import { farewellsDirectory } from './view.ts';

/** An endpoint's name holds what file names may not, and a connection may have ended at several. */
const fileOf = ({ endpoint, id }: Pick<FarewellRecord, 'endpoint' | 'id'>): string =>
  `${createHash('sha256').update(`${endpoint}\0${id}`).digest('hex')}.json`;

/** What endpoints have yet to hear, as files; the only writer. */
export class FarewellFiles {
  readonly #directory: string;

  constructor(instanceDirectory: string) {
    this.#directory = farewellsDirectory(instanceDirectory);
    writeIn(this.#directory);
  }

  write(record: FarewellRecord): void {
    replaceFile(join(this.#directory, fileOf(record)), `${JSON.stringify(record)}\n`);
  }

  remove(record: Pick<FarewellRecord, 'endpoint' | 'id'>): void {
    removeFile(this.#directory, fileOf(record));
  }
}
