import { join } from 'node:path';
import type { ConnectionRecord } from '../../state/connection-record.ts';
import { readConnectionRecords } from '../../state/view.ts';
import { Failure } from '../failure.ts';
import type { WireItem, WireName } from '../wire/api.ts';
import { explainWire, type Step } from '../wire/explain.ts';
import { type InstancePaths, readWire } from '../wire/read.ts';
import type { ConnectionItem } from './api.ts';
import { connectionItem, recordedState } from './item.ts';
import { stateNow } from './read.ts';

/** What a name stands for; at least one of the two is there. */
export interface Story {
  connection: ConnectionItem | null;
  wire: WireItem | null;
}

/** Everything that can be told about it, a step for each thing that has to be right. */
export interface Told extends Story {
  steps: Step[];
  /** Of the connection and of its wire, oldest first. */
  errors: { at: string; message: string }[];
}

interface Found {
  connection: ConnectionRecord | null;
  wire: WireName | null;
}

function ambiguous(name: string, ids: readonly string[]): Failure {
  const allowed = ids.join(', ');
  return new Failure('refused', `${ids.length} clients call a connection '${name}': allowed are ${allowed}`, {
    field: 'name',
    value: name,
    allowed,
  });
}

/** A wire's id, the agent's id of a connection, the client's if only one has it, or the name of a wire. */
function find(directory: string, name: WireName): Found {
  const { records } = readConnectionRecords(directory);
  if ('id' in name) {
    return { connection: records.find(({ wire }) => wire === name.id) ?? null, wire: name };
  }
  const typed = name.connection;
  const own = records.filter(({ id }) => id === typed);
  const named = own.length > 0 ? own : records.filter(({ clientId }) => clientId === typed);
  const [one] = named;
  if (named.length > 1)
    throw ambiguous(
      typed,
      named.map(({ id }) => id),
    );
  if (one === undefined) return { connection: null, wire: name };
  return { connection: one, wire: one.wire === null ? null : { id: one.wire } };
}

const isMissing = (error: unknown): boolean => error instanceof Failure && error.code === 'not_found';

/** Null for one that went while its connection was being read. */
function wireIfAny(paths: InstancePaths, name: WireName): WireItem | null {
  try {
    return readWire(paths, name).item;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** What a name stands for, as files and the kernel's tables tell it; needs no agent. Throws Failure. */
export function readStory(paths: InstancePaths, name: WireName): Story {
  const found = find(join(paths.runDir, paths.instance), name);
  // Says what names there are, if this is none.
  if (found.connection === null) return { connection: null, wire: readWire(paths, name).item };
  const wire = found.wire === null ? null : wireIfAny(paths, found.wire);
  return {
    connection: connectionItem(found.connection, stateNow(recordedState(found.connection), wire)),
    wire,
  };
}

const list = (parts: readonly string[], none: string): string =>
  parts.length === 0 ? none : parts.join(', ');

const labelsText = (labels: Readonly<Record<string, string>>): string =>
  list(
    Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    'no labels',
  );

function lifeStep({ expires }: ConnectionItem, now: Date): Step {
  const title = 'lifetime';
  if (expires === null)
    return { title, detail: 'until it is closed, or a namespace or the endpoint ends', ok: true };
  const seconds = Math.round((Date.parse(expires) - now.getTime()) / 1_000);
  return seconds > 0
    ? { title, detail: `expires in ${seconds} s unless it is asked for again`, ok: true }
    : { title, detail: `expired ${-seconds} s ago: nobody asked for it again`, ok: false };
}

function sideStep(connection: ConnectionItem, side: 'left' | 'right'): Step {
  const { mechanism, netns, name, addresses, routes } = connection[side];
  const who = side === 'left' ? `client '${connection.clientId}'` : `endpoint '${connection.endpoint}'`;
  return {
    title: `${who}: ${mechanism === '' ? 'no mechanism yet' : mechanism}`,
    detail: `interface '${name}' in '${netns}'; addresses: ${list(addresses, 'none')}; routes: ${list(routes, 'none')}`,
    ok: mechanism !== '',
  };
}

const why: Readonly<Record<ConnectionItem['state'], string | null>> = {
  opening: 'the request is being carried out',
  up: null,
  down: 'it is down',
  healing: 'another endpoint is being asked',
  closing: 'it is being taken down',
};

/** From the request to the side of the endpoint, before any device. */
function requestSteps(connection: ConnectionItem, now: Date): Step[] {
  const { service, labels, payload, path, endpoint, reason, state } = connection;
  const problem = why[state];
  return [
    {
      title: `request for service '${service}', ${payload}`,
      detail: `${labelsText(labels)}; path: ${path.map(({ name, id }) => `${name} (${id})`).join(' -> ')}`,
      ok: true,
    },
    {
      title: endpoint === '' ? 'endpoint' : `endpoint '${endpoint}'`,
      detail: [...(endpoint === '' ? ['none yet'] : [reason]), ...(problem === null ? [] : [problem])].join(
        '; ',
      ),
      ok: endpoint !== '' && problem === null,
    },
    sideStep(connection, 'left'),
    sideStep(connection, 'right'),
    lifeStep(connection, now),
  ];
}

/** The whole story, from the request to the entries and what they counted; needs no agent. Throws Failure. */
export function explainStory(paths: InstancePaths, name: WireName, now = new Date()): Told {
  const { connection, wire } = readStory(paths, name);
  const carried = wire === null ? null : explainWire(paths, { id: wire.id });
  const steps: Step[] = connection === null ? [] : requestSteps(connection, now);
  if (carried !== null) steps.push(...carried.steps);
  else steps.push({ title: 'wire', detail: 'there is none', ok: false });
  const errors = [...(connection?.errors ?? []), ...(carried?.errors ?? [])];
  return {
    connection,
    wire: carried?.wire ?? null,
    steps,
    errors: errors.sort((a, b) => a.at.localeCompare(b.at)),
  };
}
