import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { removeFile, replaceFile, writeIn } from './files.ts';
import type { ServiceRecord } from './service-record.ts';
import { servicesDirectory } from './view.ts';

/** What a file system takes, less the ending of a file that is being written. */
const LONGEST = 240;

/** Names of services hold what file names may not; a percent sign alone begins no encoded name. */
function fileOf(name: string): string {
  const encoded = encodeURIComponent(name);
  if (encoded.length <= LONGEST) return `${encoded}.json`;
  return `%-${createHash('sha256').update(name).digest('hex')}.json`;
}

/** The network services of a running agent, as files; the only writer. */
export class ServiceFiles {
  readonly #directory: string;

  constructor(instanceDirectory: string) {
    this.#directory = servicesDirectory(instanceDirectory);
    writeIn(this.#directory);
  }

  path(name: string): string {
    return join(this.#directory, fileOf(name));
  }

  write(record: ServiceRecord): void {
    replaceFile(this.path(record.name), `${JSON.stringify(record)}\n`);
  }

  remove(name: string): void {
    removeFile(this.#directory, fileOf(name));
  }
}
