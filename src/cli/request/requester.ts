/** What is wanted of one connection. */
export interface Wanted {
  readonly service: string;
  /** Null takes the agent's choice. */
  readonly interface: string | null;
  /** The path of a namespace's file; null is the caller's own. */
  readonly netns: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Null lets the service choose. */
  readonly endpoint: string | null;
  /** Null is what the service carries. */
  readonly payload: 'ETHERNET' | 'IP' | null;
  /** Bytes. */
  readonly mtu: number | null;
  /** How long it outlives its client; null is until its namespace ends. */
  readonly ttlMs: number | null;
  /** What the client calls it. */
  readonly id: string;
}

export interface RequestTime {
  timeoutMs: number;
  signal: AbortSignal;
}

/** What became of a connection: `up`, `changed`, `down`, `failed` or `closed`, after which nothing follows. */
export interface Update {
  type: string;
  detail: string;
}

/** A connection that stands. */
export interface Granted {
  /** The agent's own id of it. */
  readonly id: string;
  readonly clientId: string;
  readonly service: string;
  readonly endpoint: string;
  readonly payload: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The processes it passes through, client first. */
  readonly path: readonly { name: string; id: string }[];
  readonly interface: string;
  readonly addresses: readonly string[];
  readonly peerAddresses: readonly string[];
  /** `PREFIX` or `PREFIX via ADDRESS`. */
  readonly routes: readonly string[];
  readonly mtu: number;
  /** How it is, and what becomes of it, until it is closed or `signal` aborts. */
  updates(signal: AbortSignal): AsyncIterable<Update>;
  close(): Promise<void>;
}

/** A process's access to an agent. Every method throws Failure or Unreachable. */
export interface Requester {
  request(wanted: Wanted, time: RequestTime): Promise<Granted>;
  /** Ends the access; what was granted stays. */
  leave(): Promise<void>;
  /** Closes all that was granted, then ends the access. */
  close(): Promise<void>;
}

export interface RequesterOptions {
  /** `unix:///PATH` or `tcp://ADDRESS:PORT`. */
  agent: string;
  /** What this process is called in paths; null draws a name. */
  name: string | null;
  /** How long to wait for an agent that is not there yet. */
  waitMs: number;
  /** How long an attempt to connect may take. */
  dialTimeoutMs: number;
  /** Asks again for what it has when its life is ending or the agent is back. */
  keep: boolean;
  signal: AbortSignal;
}
