import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger } from 'pino';
import { Dataplane } from './dataplane/dataplane.ts';
import { InstanceLock } from './dataplane/lock.ts';
import { packageVersion } from './dataplane/objects.ts';
import { hasTcx } from './dataplane/tcx-probe.ts';
import { View } from './dataplane/view.ts';
import { type Wires } from './features/wire/api.ts';
import { adopt } from './features/wire/adopt.ts';
import { Follower } from './features/wire/follow.ts';
import { Reaper } from './features/wire/reaper.ts';
import { WireBook } from './features/wire/wires.ts';
import { ownNetns } from './net/netns.ts';
import { NetlinkSocket } from './net/socket.ts';
import { warmPool } from './net/within.ts';
import { currentNode } from './state/node.ts';
import { WireFiles } from './state/wires.ts';

export interface AgentConfig {
  readonly instance: string;
  /** Mount point of a BPF file system, normally /sys/fs/bpf. */
  readonly bpffs: string;
  /** Normally /run/vwire; the instance's directory is made below. */
  readonly runDir: string;
  readonly logger: Logger;
  readonly allowHostNetns: boolean;
  /** How long a wire nobody asks for goes on forwarding, in ms. */
  readonly orphanGraceMs: number;
  /** Room in the tables; null is 65,536. Counts only where no tables exist yet. */
  readonly maxWires: number | null;
}

export interface AgentStatus {
  version: string;
  instance: string;
  pid: number;
  /** ISO 8601. */
  since: string;
  ffi: string;
  kernel: string;
  /** What this kernel allows, in words. */
  features: Readonly<Record<string, string>>;
}

export interface Agent {
  readonly wires: Wires;
  status(): AgentStatus;
  /** Ends the agent. Wires stay and go on forwarding. */
  stop(): Promise<void>;
}
