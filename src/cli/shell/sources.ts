import type { Agent, AgentConfig } from '../../agent.ts';
import type { Requester, RequesterOptions } from '../request/requester.ts';
import type { ConnectionItem, Sampler } from '../../features/connection/api.ts';
import type { WireItem, WireName } from '../../features/wire/api.ts';

/** Where one instance keeps its things. */
export interface Place {
  instance: string;
  bpffs: string;
  runDir: string;
}

/** What a name stands for; at least one of the two is there. */
export interface Story {
  connection: ConnectionItem | null;
  wire: WireItem | null;
}

/** A story, from the request to the entries, read from pins, state files and the kernel. */
export interface Explanation extends Story {
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
  readStory(place: Place, name: WireName): Promise<Story>;
  explain(place: Place, name: WireName): Promise<Explanation>;
  /** The library for workloads. Whoever connects leaves or closes. Throws Unreachable too. */
  connect(options: RequesterOptions): Promise<Requester>;
  /** Throws Failure. Whoever opens it closes it. */
  openSampler(place: Place): Promise<Sampler>;
  doctor(place: Place): AsyncIterable<Finding>;
  startAgent(config: AgentConfig): Promise<Agent>;
}
