import type { Agent, AgentConfig } from '../../agent.ts';
import type { Requester, RequesterOptions } from '../request/requester.ts';
import type { ConnectionItem } from '../../features/connection/api.ts';
import type { WireItem, WireName } from '../../features/wire/api.ts';

/** Where one instance keeps its things. */
export interface Place {
  instance: string;
  bpffs: string;
  runDir: string;
}

/** One wire's story, read from pins and state files. */
export interface Explanation {
  wire: WireItem;
  steps: { title: string; detail: string; ok: boolean }[];
  errors: { at: string; message: string }[];
}

export interface Finding {
  name: string;
  status: 'ok' | 'warning' | 'failure';
  detail: string;
  remedy: string | null;
}

/** What verbs use beside the agent's socket; each throws Failure. Loaded only when called. */
export interface Sources {
  readWires(place: Place): Promise<WireItem[]>;
  /** `wires` are those of the same place. */
  readConnections(place: Place, wires: readonly WireItem[]): Promise<ConnectionItem[]>;
  readWire(place: Place, name: WireName): Promise<WireItem>;
  explainWire(place: Place, name: WireName): Promise<Explanation>;
  /** The library for workloads. Whoever connects leaves or closes. Throws Unreachable too. */
  connect(options: RequesterOptions): Promise<Requester>;
  doctor(place: Place): AsyncIterable<Finding>;
  startAgent(config: AgentConfig): Promise<Agent>;
}
