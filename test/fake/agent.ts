import { pino } from 'pino';
import type { AdminAgent, AgentStatus } from '../../src/api/admin/agent.ts';
import { LogLevels } from '../../src/log-levels.ts';
import { MemoryConnections } from './connections.ts';
import { MemoryEndpoints } from './endpoints.ts';
import { MemoryServices } from './services.ts';
import { MemoryWires } from './wires.ts';

/** Subsystems that log at `level` to nowhere. */
export const quiet = (level: 'info' | 'silent' = 'silent'): LogLevels =>
  new LogLevels(pino({ base: null }, { write: () => undefined }), { all: level, of: {} });

export const status: AgentStatus = {
  version: '1.2.3',
  instance: 'default',
  pid: 42,
  since: '2026-01-02T03:04:05.000Z',
  ffi: 'koffi',
  libbpf: '1.1.2',
  kernel: '6.18.0',
  features: { tcx: 'link order from 6.6' },
};

/** All that an admin api may be asked for, in memory. */
export class MemoryAgent implements AdminAgent {
  readonly wires = new MemoryWires();
  readonly connections = new MemoryConnections();
  readonly endpoints = new MemoryEndpoints();
  readonly services = new MemoryServices();
  readonly logs = quiet('info');

  status(): AgentStatus {
    return status;
  }
}
