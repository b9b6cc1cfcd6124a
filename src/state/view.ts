import { join } from 'node:path';
import { listIfAny, readFileIfAny } from './files.ts';
import { wireRecord, type WireRecord } from './wire-record.ts';

/** A file that is no record: kept, reported, never guessed at. */
export interface Unreadable {
  file: string;
  problem: string;
}

export function wiresDirectory(instanceDirectory: string): string {
  return join(instanceDirectory, 'state', 'wires');
}

/** Reads every record of an instance; needs no agent. */
export function readWireRecords(instanceDirectory: string): {
  records: WireRecord[];
  unreadable: Unreadable[];
} {
  const directory = wiresDirectory(instanceDirectory);
  const records: WireRecord[] = [];
  const unreadable: Unreadable[] = [];
  for (const file of listIfAny(directory)) {
    if (!file.endsWith('.json')) continue;
    const text = readFileIfAny(join(directory, file));
    if (text === null) continue; // removed since the directory was listed
    try {
      records.push(wireRecord.parse(JSON.parse(text)));
    } catch (error) {
      unreadable.push({ file: join(directory, file), problem: (error as Error).message });
    }
  }
  return { records: records.sort((a, b) => a.id - b.id), unreadable };
}
