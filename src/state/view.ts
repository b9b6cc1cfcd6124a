import { join } from 'node:path';
import type { z } from 'zod';
import { connectionRecord, type ConnectionRecord } from './connection-record.ts';
import { endpointRecord, type EndpointRecord } from './endpoint-record.ts';
import { farewellRecord, type FarewellRecord } from './farewell-record.ts';
import { listIfAny, readFileIfAny } from './files.ts';
import { serviceRecord, type ServiceRecord } from './service-record.ts';
import { wireRecord, type WireRecord } from './wire-record.ts';

/** A file that is no record: kept, reported, never guessed at. */
export interface Unreadable {
  file: string;
  problem: string;
}

export function wiresDirectory(instanceDirectory: string): string {
  return join(instanceDirectory, 'state', 'wires');
}

export function connectionsDirectory(instanceDirectory: string): string {
  return join(instanceDirectory, 'state', 'connections');
}

export function endpointsDirectory(instanceDirectory: string): string {
  return join(instanceDirectory, 'state', 'endpoints');
}

export function servicesDirectory(instanceDirectory: string): string {
  return join(instanceDirectory, 'state', 'services');
}

export function farewellsDirectory(instanceDirectory: string): string {
  return join(instanceDirectory, 'state', 'farewells');
}

export interface Read<T> {
  records: T[];
  unreadable: Unreadable[];
}

function readRecords<T>(directory: string, schema: z.ZodType<T>): Read<T> {
  const records: T[] = [];
  const unreadable: Unreadable[] = [];
  for (const file of listIfAny(directory)) {
    if (!file.endsWith('.json')) continue;
    const text = readFileIfAny(join(directory, file));
    if (text === null) continue; // removed since the directory was listed
    try {
      records.push(schema.parse(JSON.parse(text)));
    } catch (error) {
      unreadable.push({ file: join(directory, file), problem: (error as Error).message });
    }
  }
  return { records, unreadable };
}

/** Reads every wire's record of an instance; needs no agent. */
export function readWireRecords(instanceDirectory: string): Read<WireRecord> {
  const { records, unreadable } = readRecords(wiresDirectory(instanceDirectory), wireRecord);
  return { records: records.sort((a, b) => a.id - b.id), unreadable };
}

/** Reads every connection's record of an instance, oldest first; needs no agent. */
export function readConnectionRecords(instanceDirectory: string): Read<ConnectionRecord> {
  const { records, unreadable } = readRecords(connectionsDirectory(instanceDirectory), connectionRecord);
  return { records: records.sort((a, b) => a.since.localeCompare(b.since)), unreadable };
}

/** Reads the record of every endpoint an instance's agent answers for; needs no agent. */
export function readEndpointRecords(instanceDirectory: string): Read<EndpointRecord> {
  const { records, unreadable } = readRecords(endpointsDirectory(instanceDirectory), endpointRecord);
  return { records: records.sort((a, b) => a.name.localeCompare(b.name)), unreadable };
}

/** Reads every network service's record of an instance, by name; needs no agent. */
export function readServiceRecords(instanceDirectory: string): Read<ServiceRecord> {
  const { records, unreadable } = readRecords(servicesDirectory(instanceDirectory), serviceRecord);
  return { records: records.sort((a, b) => (a.name < b.name ? -1 : 1)), unreadable };
}

/** Reads what endpoints have yet to hear of connections of an instance, oldest first; needs no agent. */
export function readFarewellRecords(instanceDirectory: string): Read<FarewellRecord> {
  const { records, unreadable } = readRecords(farewellsDirectory(instanceDirectory), farewellRecord);
  return { records: records.sort((a, b) => a.ended.localeCompare(b.ended)), unreadable };
}
