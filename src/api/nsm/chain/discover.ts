import { clone } from '@bufbuild/protobuf';
import { Failure } from '../../../features/failure.ts';
import type { Logger } from 'pino';
import { isCallersFault } from './answered.ts';
import { connectionOf } from '../connections/record.ts';
import type { Connection } from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema } from '../proto/networkservice_pb.ts';
import type { Attempt, Element, Successor } from './element.ts';

/** An endpoint that could serve a connection. */
export interface Candidate {
  readonly name: string;
  /** Where it is asked; empty for one the agent answers for. */
  readonly target: string;
  readonly payload: string;
  /** Why it may serve, in words. */
  readonly reason: string;
}

/** What the chain asks of a registry. Both throw Failure with NSM's words. */
export interface Directory {
  /** The endpoint of that name. */
  named(endpoint: string, service: string): Candidate;
  /** In the order in which they are to be tried. */
  candidates(service: string, payload: string, labels: Readonly<Record<string, string>>): Candidate[];
}

const reasonText = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Once: what has been accepted is not withdrawn. */
function taken(at: Attempt): Successor | null {
  const { successor } = at;
  at.successor = null;
  return successor;
}

/** NSM's discover and roundrobin: the endpoint that was agreed on, or the first candidate that takes the request. */
export function discover(directory: Directory, log: Logger): Element {
  return {
    name: 'discover',
    async request(request, at, next) {
      const asked = connectionOf(request);
      const named = asked.networkServiceEndpointName;
      const candidates =
        named === ''
          ? directory.candidates(asked.networkService, asked.payload, asked.labels)
          : [directory.named(named, asked.networkService)];
      const refusals: { name: string; error: unknown }[] = [];
      for (const candidate of candidates) {
        const attempt = clone(NetworkServiceRequestSchema, request);
        const connection: Connection = connectionOf(attempt);
        connection.networkServiceEndpointName = candidate.name;
        if (connection.payload === '') connection.payload = candidate.payload;
        at.candidate = candidate;
        at.successor = null;
        try {
          const reply = await next(attempt);
          await taken(at)?.accept();
          return reply;
        } catch (error) {
          await taken(at)?.withdraw();
          refusals.push({ name: candidate.name, error });
          log.info(
            { conn: at.held.id, endpoint: candidate.name, reason: reasonText(error) },
            'candidate failed',
          );
          // What is wrong with the request is wrong for every endpoint, and nobody waits for the others.
          if (isCallersFault(error) || at.signal.aborted) break;
        }
      }
      const [only] = refusals;
      if (only && refusals.length === 1) throw only.error;
      throw new Failure(
        'failed',
        `all candidates have failed: ${refusals.map(({ name, error }) => `'${name}': ${reasonText(error)}`).join('; ')}`,
        { field: 'connection.network_service', value: asked.networkService, cause: refusals.at(-1)?.error },
      );
    },
  };
}
