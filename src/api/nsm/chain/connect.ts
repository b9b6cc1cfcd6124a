import { clone, create } from '@bufbuild/protobuf';
import type { Logger } from 'pino';
import { Failure } from '../../../features/failure.ts';
import type { Whereabouts } from '../../../features/wire/whereabouts.ts';
import type { ConnectionBook } from '../connections/book.ts';
import type { Held } from '../connections/held.ts';
import { requestOf } from '../connections/established.ts';
import { connectionOf } from '../connections/record.ts';
import { ConnectionSchema, MechanismSchema, type Connection } from '../proto/connection_pb.ts';
import { NetworkServiceRequestSchema, type NetworkServiceRequest } from '../proto/networkservice_pb.ts';
import { restore } from '../path.ts';
import { Unreachable } from '../../unreachable.ts';
import { aboutAnswer } from './answered.ts';
import { checkConnectionSizes } from './checked.ts';
import type { Candidate } from './discover.ts';
import type { Attempt, Element, SideFound, Successor } from './element.ts';
import { givenName, interfaceName } from '../interface-name.ts';

/** How an endpoint is asked. Errors are Failures. */
export interface EndpointLink {
  request(request: NetworkServiceRequest, until: Until): Promise<Connection>;
  close(connection: Connection, until: Until): Promise<void>;
  /** The namespace that its answer names, if it may name it. Throws Failure with the field. */
  netnsOf(inodeUrl: string, field: string, signal: AbortSignal): Promise<Whereabouts>;
}

export interface Until {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly signal: AbortSignal;
}

export type Endpoint = Pick<Candidate, 'name' | 'target'>;

export interface EndpointLinks {
  /** Throws Failure where the agent should answer itself and does not. */
  to(endpoint: Endpoint): EndpointLink;
  /** Keeps the way to an endpoint open until the returned function is called. */
  retain(endpoint: Endpoint): () => void;
  /** False once it is known that nobody answers there. */
  answers(endpoint: Endpoint): boolean;
}

/** An endpoint that says nothing for so long has failed, and another one may be asked. */
const ANSWER_MS = 10_000;
/** Nobody waits longer for an endpoint to hear that a connection has ended. */
const CLOSE_MS = 1_000;

interface Asked {
  link: EndpointLink;
  endpoint: Endpoint;
}

/** What the endpoint is told when the connection ends: as it last answered, with its own mechanism, or as it was asked. */
export function farewell({ established, record }: Held): Connection {
  if (established) {
    const last = clone(ConnectionSchema, established.reply);
    last.mechanism = clone(MechanismSchema, established.endpointMechanism);
    return last;
  }
  const asked = connectionOf(requestOf(record));
  delete asked.mechanism;
  asked.networkServiceEndpointName = record.endpoint;
  return asked;
}

/** Whether the endpoint could be told that the connection has ended. `id` is ours of it. */
export async function tellEnd(
  endpoint: Endpoint,
  links: EndpointLinks,
  told: { id: string; connection: Connection },
  log: Logger,
): Promise<boolean> {
  if (!links.answers(endpoint)) return false;
  try {
    await links.to(endpoint).close(told.connection, {
      deadline: Date.now() + CLOSE_MS,
      signal: AbortSignal.timeout(CLOSE_MS),
    });
    return true;
  } catch (error) {
    log.info(
      { conn: told.id, endpoint: endpoint.name, reason: (error as Error).message },
      'endpoint was not told',
    );
    return false;
  }
}

/**
 * Tells the endpoint; that it cannot be told keeps nothing from ending. Made apart from what asks the endpoint: it lives
 * as long as the connection, with all it could see.
 */
const releaseEndpoint =
  (held: Held, endpoint: Endpoint, links: EndpointLinks, log: Logger, letGo: () => void) =>
  async (): Promise<void> => {
    try {
      await tellEnd(endpoint, links, { id: held.id, connection: farewell(held) }, log);
    } finally {
      letGo();
    }
  };

/** Asks an endpoint, which is let go of where it fails; one that may have done it though nobody heard so is told. */
async function orLetGo(ask: () => Promise<void>, end: () => Promise<void>, letGo: () => void): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (error instanceof Failure && (error.code === 'timeout' || error.cause instanceof Unreachable))
      void end();
    else letGo();
    throw error;
  }
}

/** What an endpoint answered, made sure of. */
async function sideOf(
  reply: Connection,
  { link, endpoint }: Asked,
  at: Attempt,
  service: string,
): Promise<SideFound> {
  const { mechanism } = reply;
  if (mechanism?.type !== 'KERNEL' || mechanism.cls !== 'LOCAL') {
    const value = mechanism ? `${mechanism.cls} ${mechanism.type}` : 'none';
    throw new Failure('failed', `connection.mechanism is '${value}': LOCAL KERNEL was asked for`, {
      field: 'connection.mechanism',
      value,
      allowed: 'LOCAL KERNEL',
    });
  }
  const field = "connection.mechanism.parameters['inodeURL']";
  const where = await link.netnsOf(mechanism.parameters.inodeURL ?? '', field, at.signal);
  const earlier = at.held.established?.endpointMechanism.parameters;
  const same = at.held.established?.reply.networkServiceEndpointName === endpoint.name;
  const name =
    givenName(mechanism.parameters.name) ??
    (same ? givenName(earlier?.name) : null) ??
    interfaceName(service, at.held.id, () => false);
  const kept = clone(MechanismSchema, mechanism);
  kept.parameters.name = name;
  return { mechanism: kept, netns: where.netns, identity: where.identity, name };
}

/** The answer as it goes on, once it is known to be one. */
async function accepted(
  reply: Connection,
  asked: Asked,
  at: Attempt,
  connection: Connection,
): Promise<Connection> {
  try {
    checkConnectionSizes(reply, 'connection');
    const index = connection.path?.index ?? 0;
    const answered = restore(reply, { connection, index, callerIndex: index });
    at.right = await sideOf(answered, asked, at, connection.networkService);
    return answered;
  } catch (error) {
    throw aboutAnswer(error, asked.endpoint.name);
  }
}

/** The end of the chain: the endpoint is asked, and told when the connection ends. */
export function connect(links: EndpointLinks, book: ConnectionBook, log: Logger): Element {
  const note = (held: Held, { name, target, reason }: Candidate): void => {
    book.rewrite(held, { endpoint: name, target, reason });
  };

  /** Asks another endpoint than the connection has, which keeps its own until this one's answer is carried out. */
  async function succeed(
    { held }: Attempt,
    candidate: Candidate,
    told: { id: string; connection: Connection },
    ask: () => Promise<void>,
  ): Promise<Successor> {
    const { endpoint, target, reason } = held.record;
    note(held, candidate);
    const letGo = links.retain(candidate);
    const end = async (): Promise<void> => {
      await tellEnd(candidate, links, told, log);
      letGo();
    };
    const back = (): void => {
      book.rewrite(held, { endpoint, target, reason });
    };
    try {
      await orLetGo(ask, end, letGo);
    } catch (error) {
      back();
      throw error;
    }
    return {
      accept: () =>
        held.scope.hold('endpoint', `${candidate.name} ${candidate.target}`, () =>
          releaseEndpoint(held, candidate, links, log, letGo),
        ),
      withdraw: async () => {
        back();
        await end();
      },
    };
  }

  return {
    name: 'connect',
    async request(request, at) {
      const { held, candidate } = at;
      if (!candidate) throw new Error('An endpoint is to be asked before one was found');
      const asked: Asked = { link: links.to(candidate), endpoint: candidate };
      const onwards = clone(NetworkServiceRequestSchema, request);
      const connection = connectionOf(onwards);
      const { established } = held;
      const again = established?.reply.networkServiceEndpointName === candidate.name ? established : null;
      if (again) connection.mechanism = clone(MechanismSchema, again.endpointMechanism);
      else delete connection.mechanism;
      onwards.mechanismPreferences = [create(MechanismSchema, { cls: 'LOCAL', type: 'KERNEL' })];
      const until = {
        deadline: Math.min(at.deadline ?? Infinity, Date.now() + ANSWER_MS),
        signal: at.signal,
      };
      const heard: { reply: Connection | null } = { reply: null };
      const told = { id: held.id, connection };
      const ask = async (): Promise<void> => {
        heard.reply = await asked.link.request(onwards, until);
      };
      const fingerprint = `${candidate.name} ${candidate.target}`;
      const has = held.scope.fingerprint('endpoint');
      if (has === fingerprint) await ask();
      else if (established && has !== null) at.successor = await succeed(at, candidate, told, ask);
      else
        await held.scope.hold('endpoint', fingerprint, async () => {
          note(held, candidate);
          await book.holdFile(held);
          const letGo = links.retain(candidate);
          const release = releaseEndpoint(held, candidate, links, log, letGo);
          await orLetGo(ask, release, letGo);
          return release;
        });
      if (!heard.reply) throw new Error('An endpoint is held that was not asked');
      const answered = await accepted(heard.reply, asked, at, connection);
      answered.networkService = connection.networkService;
      answered.networkServiceEndpointName = candidate.name;
      answered.payload = connection.payload;
      // It knows the connection by its own segment.
      told.connection = clone(ConnectionSchema, answered);
      return answered;
    },
  };
}
