import { join } from 'node:path';
import type { View } from '../../dataplane/view.ts';
import { readConnectionRecords, readWireRecords } from '../../state/view.ts';
import { type InstancePaths, openView } from '../wire/read.ts';
import type { Counted, Sample, Sampler, WireSample } from './api.ts';

type Owner = Pick<WireSample, 'connection' | 'clientId' | 'service'>;

const sum = (reasons: Readonly<Record<string, bigint>> = {}): bigint =>
  Object.values(reasons).reduce((total, count) => total + count, 0n);

const nobody: Owner = { connection: '', clientId: null, service: null };

/** Reads counters again and again; files only when a wire has come. Needs no agent. The caller closes it. */
export class CounterSampler implements Sampler {
  readonly #directory: string;
  readonly #view: View;
  readonly #owners = new Map<number, Owner>();

  private constructor(directory: string, view: View) {
    this.#directory = directory;
    this.#view = view;
  }

  /** Throws Failure where there is nothing to read. */
  static open(paths: InstancePaths): CounterSampler {
    return new CounterSampler(join(paths.runDir, paths.instance), openView(paths));
  }

  sample(): Sample {
    const forwarded = this.#view.allForwarded();
    const dropped = this.#view.dropped();
    const ids = [...new Set([...forwarded.keys(), ...dropped.keys()])].sort((a, b) => a - b);
    this.#learn(ids);
    const count = (id: number, direction: 'leftToRight' | 'rightToLeft'): Counted => ({
      ...(forwarded.get(id)?.[direction] ?? { packets: 0n, segments: 0n, bytes: 0n }),
      dropped: sum(dropped.get(id)?.[direction]),
    });
    return {
      atMs: performance.now(),
      wires: ids.map((wire) => ({
        wire,
        ...(this.#owners.get(wire) ?? nobody),
        leftToRight: count(wire, 'leftToRight'),
        rightToLeft: count(wire, 'rightToLeft'),
      })),
    };
  }

  close(): void {
    this.#view.close();
  }

  #learn(ids: readonly number[]): void {
    if (ids.every((id) => id === 0 || this.#owners.has(id))) return;
    const clients = new Map(
      readConnectionRecords(this.#directory).records.map((record) => [record.id, record]),
    );
    this.#owners.clear();
    for (const { id, connection, service } of readWireRecords(this.#directory).records) {
      const client = clients.get(connection);
      this.#owners.set(id, {
        connection,
        clientId: client?.clientId ?? null,
        service: client?.service ?? service,
      });
    }
    // One without a file is not looked for again each time.
    for (const id of ids) if (!this.#owners.has(id)) this.#owners.set(id, nobody);
  }
}
