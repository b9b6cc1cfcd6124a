import { join } from 'node:path';
import { readConnectionRecords } from '../../state/view.ts';
import type { WireItem } from '../wire/api.ts';
import type { ConnectionItem, ConnectionState } from './api.ts';
import { connectionItem, recordedState } from './item.ts';

/** Where an instance keeps its things; needs no agent. */
export interface ConnectionPaths {
  instance: string;
  runDir: string;
}

/** A file says up; what the kernel does with the wire may say otherwise. */
export function stateNow(recorded: ConnectionState, wire: WireItem | null): ConnectionState {
  return recorded === 'up' && (wire === null || wire.state === 'down') ? 'down' : recorded;
}

/** Connections of an instance as its files tell them, oldest first; `wires` are those of the same instance. */
export function readConnections(
  { instance, runDir }: ConnectionPaths,
  wires: readonly WireItem[],
): ConnectionItem[] {
  const byId = new Map(wires.map((wire) => [wire.id, wire]));
  const { records } = readConnectionRecords(join(runDir, instance));
  return records.map((record) => {
    const wire = record.wire === null ? null : (byId.get(record.wire) ?? null);
    return connectionItem(record, stateNow(recordedState(record), wire));
  });
}
