import { clone } from '@bufbuild/protobuf';
import { type FileIdentity, sameFile } from '../../../file-identity.ts';
import { Failure } from '../../../features/failure.ts';
import { givenName, interfaceName } from '../interface-name.ts';
import { connectionOf } from '../connections/record.ts';
import { parseInodeUrl } from '../inode-url.ts';
import { MechanismSchema, type Mechanism } from '../proto/connection_pb.ts';
import type { NetworkServiceRequest } from '../proto/networkservice_pb.ts';
import type { ConnectionBook } from '../connections/book.ts';
import type { Authority } from './authority.ts';
import type { Attempt, Element } from './element.ts';
import { namedNetns, type Namer } from './named-netns.ts';

const supported = 'LOCAL KERNEL';
const isKernel = ({ cls, type }: Mechanism): boolean => cls === 'LOCAL' && type === 'KERNEL';
const told = ({ cls, type }: Mechanism): string => `${cls} ${type}`;

interface Chosen {
  mechanism: Mechanism;
  field: string;
}

/** The one already agreed on, or the first that can be served. */
function choose(request: NetworkServiceRequest): Chosen {
  const agreed = connectionOf(request).mechanism;
  const offered: Chosen[] = agreed
    ? [{ mechanism: agreed, field: 'connection.mechanism' }]
    : request.mechanismPreferences.map((mechanism, index) => ({
        mechanism,
        field: `mechanism_preferences[${index}]`,
      }));
  const chosen = offered.find(({ mechanism }) => isKernel(mechanism));
  if (chosen) return chosen;
  const [first] = offered;
  const value = offered.map(({ mechanism }) => told(mechanism)).join(', ');
  throw new Failure(
    'unsupported',
    first
      ? `None of the requested mechanisms (${value}) is supported: allowed is ${supported}`
      : `No mechanism is requested: allowed is ${supported}`,
    { field: agreed ? 'connection.mechanism' : 'mechanism_preferences', value, allowed: supported },
  );
}

/** A descriptor that came along and was not needed keeps a pod's devices alive after its end. */
function sparePassed({ askedBy }: Attempt, identity: FileIdentity): void {
  if (askedBy.kind === 'unix') askedBy.stream.descriptors.spare(identity);
}

/** The client's side: a KERNEL mechanism becomes a namespace that the caller may name, and an interface name. */
export function kernel(authority: Authority, book: ConnectionBook): Element {
  const namer = ({ askedBy, held }: Attempt, url: string): Namer => {
    // Who asks again for what stands has been let, and need not prove it twice.
    const known = held.established ? held.record.leftNetns : null;
    const named = parseInodeUrl(url);
    const trusted =
      (known !== null && named !== null && sameFile(known, named)) || authority.isTrusted(askedBy);
    return askedBy.kind === 'unix'
      ? { peer: askedBy.peer, stream: askedBy.stream, trusted }
      : { peer: null, stream: null, trusted };
  };
  return {
    name: 'mechanisms: KERNEL',
    async request(request, at, next) {
      const connection = connectionOf(request);
      const { mechanism, field } = choose(request);
      const received = clone(MechanismSchema, mechanism);
      const { record } = at.held;
      const url = mechanism.parameters.inodeURL ?? '';
      // The agent itself asks again for what somebody else was allowed.
      const where =
        at.askedBy.kind === 'self' && record.leftNetns
          ? { netns: record.left.netns, identity: record.leftNetns }
          : await namedNetns(url, namer(at, url), `${field}.parameters['inodeURL']`, at.signal);
      sparePassed(at, where.identity);
      book.charge(at.held, where.identity);
      const kept = givenName(record.left.name);
      const name =
        givenName(mechanism.parameters.name) ??
        kept ??
        interfaceName(connection.networkService, at.held.id, () => false);
      received.parameters.name = name;
      // Known from now on, so that the client's asking again waits for this one, and its closing finds it.
      if (!record.leftNetns) at.held.record = { ...record, leftNetns: where.identity };
      at.left = { mechanism: received, netns: where.netns, identity: where.identity, name };
      const reply = await next(request);
      reply.mechanism = received;
      return reply;
    },
  };
}
