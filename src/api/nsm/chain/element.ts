import { faultAt } from '../../../fault.ts';
import type { FileIdentity } from '../../../file-identity.ts';
import type { Held } from '../connections/held.ts';
import type { Call, Caller } from '../grpc/services.ts';
import type { Connection, Mechanism } from '../proto/connection_pb.ts';
import type { NetworkServiceRequest } from '../proto/networkservice_pb.ts';
import type { Candidate } from './discover.ts';

/** Who asks: `self` is the agent, which asks again to heal or because an endpoint has news. */
export type AskedBy = Caller | { readonly kind: 'self'; readonly why: string };

/** One side of the wire to be, as a mechanism names it. */
export interface SideFound {
  /** As it was received: what is answered must be equal to it. */
  readonly mechanism: Mechanism;
  /** How the namespace can be opened again. */
  readonly netns: string;
  readonly identity: FileIdentity;
  /** Interface name. */
  readonly name: string;
}

/** To be accepted or withdrawn, once. */
export interface Successor {
  /** The connection is its; the endpoint before it is told that it has ended. */
  accept(): Promise<void>;
  /** It is told that there is none, and the endpoint before it stays. */
  withdraw(): Promise<void>;
}

/** What one run through the chain knows and finds out. What is kept of it is in `held`. */
export class Attempt {
  readonly askedBy: AskedBy;
  readonly deadline: number | null;
  readonly signal: AbortSignal;
  readonly token: Call['token'];
  /** Of both sides, once their mechanisms are known. */
  left: SideFound | null = null;
  right: SideFound | null = null;
  /** Until when its caller stands for the connection, ISO 8601; null is for ever. Known below `timeout`. */
  expires: string | null = null;
  /** The endpoint that is being asked. */
  candidate: Candidate | null = null;
  /** One that has answered in place of the endpoint that the connection has, until its wire is made. */
  successor: Successor | null = null;
  #held: Held | null = null;

  constructor(asked: { askedBy: AskedBy } & Pick<Call, 'deadline' | 'signal' | 'token'>) {
    this.askedBy = asked.askedBy;
    this.deadline = asked.deadline;
    this.signal = asked.signal;
    this.token = asked.token;
  }

  /** The connection, from `begin` on. */
  get held(): Held {
    if (!this.#held) throw new Error('The connection is known below begin only');
    return this.#held;
  }

  set held(connection: Held) {
    this.#held = connection;
  }
}

export type RequestNext = (request: NetworkServiceRequest) => Promise<Connection>;
export type CloseNext = (connection: Connection) => Promise<void>;

/**
 * One step of the chain. It may look at the request on the way in and at the reply on the way back; both are
 * its own to change. What it acquires it gives to `at.held.scope`, together with how it is released: there is
 * no other undoing. So only the head of the chain, up to who may ask at all, has a part in closing.
 */
export interface Element {
  readonly name: string;
  request(request: NetworkServiceRequest, at: Attempt, next: RequestNext): Promise<Connection>;
  close?(connection: Connection, at: Attempt, next: CloseNext): Promise<void>;
}

/** Runs the elements in order; the last one answers without calling on. */
export function runRequest(
  elements: readonly Element[],
  request: NetworkServiceRequest,
  at: Attempt,
): Promise<Connection> {
  const run = async (index: number, asked: NetworkServiceRequest): Promise<Connection> => {
    const element = elements[index];
    if (!element) throw new Error('The chain has no last element that answers');
    faultAt('request', element.name, 'in');
    const reply = await element.request(asked, at, (onwards) => run(index + 1, onwards));
    faultAt('request', element.name, 'out');
    return reply;
  };
  return run(0, request);
}

export function runClose(elements: readonly Element[], connection: Connection, at: Attempt): Promise<void> {
  const run = async (index: number, asked: Connection): Promise<void> => {
    const element = elements[index];
    if (!element) return;
    if (!element.close) return run(index + 1, asked);
    faultAt('close', element.name, 'in');
    await element.close(asked, at, (onwards) => run(index + 1, onwards));
    faultAt('close', element.name, 'out');
  };
  return run(0, connection);
}
