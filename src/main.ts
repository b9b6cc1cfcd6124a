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
  readStory: async (place, name) => (await import('./features/connection/story.ts')).readStory(place, name),
  explain: async (place, name) => (await import('./features/connection/story.ts')).explainStory(place, name),
  openSampler: async (place) => (await import('./features/connection/sample.ts')).CounterSampler.open(place),
  connect: async (options) => (await import('./cli/request/library.ts')).connect(options),
  doctor: async function* (place) {
    yield* (await import('./features/doctor.ts')).doctor(place);
  },
  startAgent: async (config) => (await import('./agent.ts')).startAgent(config),
};

// Not process.exit(): what is written to a pipe may still be on its way.
process.exitCode = await run(process.argv.slice(2), { table, version: version(), io: processIo(), sources });
