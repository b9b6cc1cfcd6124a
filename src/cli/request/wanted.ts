import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Failure } from '../../features/failure.ts';
import { readInput } from '../input.ts';
import { labelsOf } from '../label.ts';
import { durationOf } from '../duration.ts';
import type { Given } from '../shell/given.ts';
import type { Io } from '../shell/io.ts';
import type { NsmEnv } from './nsm-env.ts';
import { netnsPathOf } from './netns-path.ts';
import type { Wanted } from './requester.ts';

type Unnamed = Omit<Wanted, 'id'>;

/** Flags that say something of one connection. */
const ofOne = ['interface', 'endpoint', 'mtu', 'payload'] as const;

const sources = 'SERVICE, --from FILE or NSM_NETWORK_SERVICES';

function refuseMixture(given: Given, asked: string): void {
  if (given.positionals.length > 0)
    throw new Failure('invalid', `'${given.first}' and ${asked}: give one of them`, {
      field: 'service',
      value: given.first,
      allowed: sources,
    });
  const flag = ofOne.find((name) => given.text(name) !== null);
  if (flag === undefined) return;
  throw new Failure('invalid', `'--${flag}' is for one SERVICE: ${asked} says it for each`, {
    field: flag,
    value: given.text(flag) ?? '',
    allowed: 'together with SERVICE',
  });
}

/** All that is asked for, by whoever says it; null for what nobody says. */
async function asked(given: Given, nsm: NsmEnv, io: Io): Promise<Unnamed[]> {
  const nothing = { netns: null, endpoint: null, payload: null, mtu: null, ttlMs: null };
  const file = given.text('from');
  if (file !== null) {
    refuseMixture(given, `'--from ${file}'`);
    const { requestsOf } = await import('./config-file.ts');
    return requestsOf(await readInput(file, io), file);
  }
  if (given.positionals.length === 0 && nsm.services.length > 0) {
    refuseMixture(given, 'NSM_NETWORK_SERVICES');
    return nsm.services.map((service) => ({ ...nothing, ...service }));
  }
  if (given.positionals.length === 0)
    throw new Failure('invalid', `Nothing to ask for: give ${sources}`, {
      field: 'service',
      allowed: sources,
    });
  const payload = given.text('payload');
  return [
    {
      ...nothing,
      service: given.first,
      interface: given.text('interface'),
      labels: {},
      endpoint: given.text('endpoint'),
      payload: payload === 'ETHERNET' || payload === 'IP' ? payload : null,
      mtu: given.count('mtu', 'bytes'),
    },
  ];
}

/**
 * What ids begin with. NSM's client calls its connections NAME-0, NAME-1, .., so that a container which starts again
 * asks for the same ones. One that is asked for by hand is a new one each time, also where a pod has NSM_NAME, and
 * where another container of the pod has our hostname and pid.
 */
const idBase = (name: string | null, byHand: boolean): string =>
  name !== null && !byHand ? name : `${name ?? hostname()}-${randomBytes(4).toString('hex')}`;

/**
 * What is wanted. What a request says of itself goes before what flags say of all of them, and those before the
 * environment.
 */
export async function wantedOf(given: Given, nsm: NsmEnv, io: Io): Promise<Wanted[]> {
  const typed = given.text('netns');
  const netns = typed === null ? null : netnsPathOf(typed);
  const ttl = given.text('ttl');
  const held = given.on('hold') ? nsm.maxTokenLifetimeMs : null;
  const ttlMs = ttl === null ? held : durationOf('ttl', ttl);
  const labels = { ...nsm.labels, ...labelsOf(given.texts('label')) };
  const base = idBase(nsm.name, given.positionals.length > 0);
  return (await asked(given, nsm, io)).map((each, at) => ({
    ...each,
    netns: each.netns ?? netns,
    ttlMs: each.ttlMs ?? ttlMs,
    labels: { ...labels, ...each.labels },
    id: `${base}-${at}`,
  }));
}
