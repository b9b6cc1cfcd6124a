import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { ServiceFiles } from '../../../state/services.ts';
import { readServiceRecords, type Unreadable } from '../../../state/view.ts';
import { NetworkServiceSchema } from '../proto/registry_pb.ts';
import { checkService } from './check-record.ts';
import type { KeptService } from './services.ts';

/** What a store needs to keep its services over the agent's end. */
export interface KeptServices {
  kept: KeptService[];
  /** Files that are left alone and must be told of. */
  unreadable: Unreadable[];
  write: (service: KeptService) => void;
  remove: (name: string) => void;
}

export function keptServices(instanceDirectory: string): KeptServices {
  const files = new ServiceFiles(instanceDirectory);
  const { records, unreadable } = readServiceRecords(instanceDirectory);
  const kept: KeptService[] = [];
  for (const { name, fixed, owners, message } of records) {
    try {
      const record = fromBinary(NetworkServiceSchema, Buffer.from(message, 'base64'));
      checkService(record);
      if (record.name !== name) throw new Error(`it is of service '${record.name}'`);
      kept.push({ record, fixed, owners });
    } catch (error) {
      unreadable.push({ file: files.path(name), problem: (error as Error).message });
    }
  }
  return {
    kept,
    unreadable,
    write: ({ record, fixed, owners }) => {
      files.write({
        schema: 1,
        name: record.name,
        payload: record.payload,
        fixed,
        owners: [...owners],
        message: Buffer.from(toBinary(NetworkServiceSchema, record)).toString('base64'),
      });
    },
    remove: (name) => {
      files.remove(name);
    },
  };
}
