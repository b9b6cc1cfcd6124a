import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { pino } from 'pino';
import { startAgent, type Agent, type AgentConfig } from '../../src/agent.ts';
import { LogLevels } from '../../src/log-levels.ts';
import type { SideSpec, WireChange, WireEvent, WireItem, WireSpec } from '../../src/features/wire/api.ts';
import { Inventory } from './inventory.ts';

export const bpffs = '/sys/fs/bpf';

/** One side of a spec, from `POD` or from what differs from the defaults. */
export const end = (netns: string, ...addresses: string[]): SideSpec => ({
  netns: `name:${netns}`,
  identity: null,
  name: null,
  mac: null,
  addresses,
  routes: [],
  neighbors: [],
  policies: [],
});

export const wireSpec = (left: SideSpec, right: SideSpec, more: Partial<WireSpec> = {}): WireSpec => ({
  connection: null,
  service: null,
  owner: 'wire',
  left,
  right,
  mtu: null,
  datapath: 'auto',
  acceptNoOffload: false,
  ...more,
});

/** A change of what is said, and of nothing else. */
export const change = (more: Partial<WireChange>): WireChange => ({
  mtu: null,
  datapath: null,
  left: null,
  right: null,
  ...more,
});

/** What agents of tests are started with, but for their logs. */
export const agentConfig = (place: { instance: string; runDir: string }): Omit<AgentConfig, 'logs'> => ({
  instance: place.instance,
  bpffs,
  runDir: place.runDir,
  allowHostNetns: false,
  orphanGraceMs: 60_000,
  maxWires: null,
  listen: [`unix://${place.runDir}/${place.instance}/workload/agent.sock`],
  trust: [],
  healGraceMs: 30_000,
  maxConnections: null,
  maxConnectionsPerNetns: 1000,
  tls: null,
});

/** One instance with a name and directories that no other test has; its agents run in this process. */
export class Node {
  readonly instance = `t${randomBytes(4).toString('hex')}`;
  readonly runDir = mkdtempSync('/run/vwire-test-');
  readonly inventory = new Inventory(bpffs, this.runDir, this.instance);
  #agent: Agent | null = null;
  readonly events: WireEvent[] = [];
  /** Lines the agents logged at warn and above. */
  readonly warnings: string[] = [];

  async start(more: Partial<AgentConfig> = {}): Promise<Agent> {
    const root = pino(
      {},
      {
        write: (line: string) => {
          this.warnings.push(line);
        },
      },
    );
    const logs = new LogLevels(root, { all: 'warn', of: {} });
    const agent = await startAgent({ ...agentConfig(this), logs, ...more });
    this.#agent = agent;
    agent.wires.subscribe((event) => {
      this.events.push(event);
    });
    return agent;
  }

  async stop(): Promise<void> {
    await this.#agent?.stop();
    this.#agent = null;
  }

  async restart(more: Partial<AgentConfig> = {}): Promise<Agent> {
    await this.stop();
    return this.start(more);
  }

  wire(id: number): WireItem | undefined {
    return this.#agent?.wires.list().find((wire) => wire.id === id);
  }

  /** Removes every wire, ends the agent and what it pinned. */
  async close(): Promise<void> {
    const wires = this.#agent?.wires;
    if (wires) await Promise.all(wires.list().map(({ id }) => wires.remove({ id })));
    await this.stop();
    rmSync(`${bpffs}/vwire/${this.instance}`, { recursive: true, force: true });
    rmSync(this.runDir, { recursive: true, force: true });
  }
}
