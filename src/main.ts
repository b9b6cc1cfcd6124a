#!/usr/bin/env node
import { processIo } from './cli/shell/io.ts';
import { run } from './cli/shell/run.ts';
import type { Sources } from './cli/shell/sources.ts';
import { table } from './cli/verbs.ts';
import { version } from './version.ts';

/** Each loads what it needs when it is called: a verb that asks the agent never loads libbpf. */
const sources: Sources = {
  readWires: async (place) => (await import('./features/wire/read.ts')).readWires(place),
  readConnections: async (place, wires) =>
    (await import('./features/connection/read.ts')).readConnections(place, wires),
  readWire: async (place, name) => (await import('./features/wire/read.ts')).readWire(place, name).item,
  explainWire: async (place, name) => (await import('./features/wire/explain.ts')).explainWire(place, name),
  connect: async () => {
    const { Failure } = await import('./features/failure.ts');
    throw new Failure('unsupported', 'This vwire cannot ask for network services yet');
  },
  doctor: async function* (place) {
    yield* (await import('./features/doctor.ts')).doctor(place);
  },
  startAgent: async (config) => (await import('./agent.ts')).startAgent(config),
};

// Not process.exit(): what is written to a pipe may still be on its way.
process.exitCode = await run(process.argv.slice(2), { table, version: version(), io: processIo(), sources });
