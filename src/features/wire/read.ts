import { join } from 'node:path';
import { View } from '../../dataplane/view.ts';
import { readWireRecords } from '../../state/view.ts';
import type { WireRecord } from '../../state/wire-record.ts';
import { Failure } from '../failure.ts';
import type { WireItem, WireName, WireState } from './api.ts';
import { wireItem } from './item.ts';

/** Where an instance keeps its things; needs no agent. */
export interface InstancePaths {
  instance: string;
  bpffs: string;
  runDir: string;
}

const stateFor: Record<WireRecord['intent'], WireState> = {
  opening: 'opening',
  open: 'open',
  closing: 'closing',
};

/** Files say open; the kernel may say otherwise. */
function stateNow(record: WireRecord, view: View): WireState {
  const actions = [record.left, record.right].map((side) => view.action(side.hostIfindex));
  return record.intent === 'open' && actions.some((a) => a.startsWith('drop') || a === 'missing')
    ? 'down'
    : stateFor[record.intent];
}

/** Opens the pins of an instance for reading; throws Failure when there is nothing to read. The caller closes. */
export function openView({ instance, bpffs }: InstancePaths): View {
  let view: View | null;
  try {
    view = View.openPinned(bpffs, instance);
  } catch (cause) {
    const denied =
      cause instanceof Error && 'code' in cause && (cause.code === 'EPERM' || cause.code === 'EACCES');
    throw denied
      ? new Failure('unsupported', `The pinned maps of instance '${instance}' may be read by root only`, {
          cause,
        })
      : cause;
  }
  if (view) return view;
  throw new Failure(
    'not_found',
    `Instance '${instance}' has no maps under '${bpffs}': it never had an agent since boot`,
    {
      field: 'instance',
      value: instance,
      allowed: 'an instance whose agent has run',
    },
  );
}

/** Wires of an instance as its files and the kernel's tables tell them, with or without an agent. */
export function readWires(paths: InstancePaths): WireItem[] {
  const view = openView(paths);
  try {
    const drops = view.dropped();
    const { records } = readWireRecords(join(paths.runDir, paths.instance));
    return records.map((record) => wireItem(record, stateNow(record, view), view, drops));
  } finally {
    view.close();
  }
}

export function readWire(paths: InstancePaths, name: WireName): { item: WireItem; record: WireRecord } {
  const { records } = readWireRecords(join(paths.runDir, paths.instance));
  const record = records.find((r) => ('id' in name ? r.id === name.id : r.connection === name.connection));
  if (!record)
    throw new Failure(
      'not_found',
      `Instance '${paths.instance}' has no ${'id' in name ? `wire ${name.id}` : `connection '${name.connection}'`}`,
      {
        field: 'wire',
        value: 'id' in name ? String(name.id) : name.connection,
        allowed: 'an id or connection name that vwire ls shows',
      },
    );
  const view = openView(paths);
  try {
    return { item: wireItem(record, stateNow(record, view), view, view.dropped()), record };
  } finally {
    view.close();
  }
}
