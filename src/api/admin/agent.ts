import type { Connections, Endpoints, Services } from '../../features/connection/api.ts';
import type { Wires } from '../../features/wire/api.ts';
import type { LogLevels } from '../../log-levels.ts';

/** What an agent says about itself. */
export interface AgentStatus {
  version: string;
  instance: string;
  pid: number;
  /** ISO 8601, when it started. */
  since: string;
  /** koffi or ffi-napi. */
  ffi: string;
  libbpf: string;
  kernel: string;
  /** A kernel feature to what is said about it. */
  features: Readonly<Record<string, string>>;
}

/** What this api needs of the agent; null is what the agent does not serve. */
export interface AdminAgent {
  wires: Wires;
  connections: Connections | null;
  endpoints: Endpoints | null;
  services: Services | null;
  logs: LogLevels;
  status(): AgentStatus;
}
