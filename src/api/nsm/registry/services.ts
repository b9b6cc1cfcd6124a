import { clone } from '@bufbuild/protobuf';
import { Failure } from '../../../features/failure.ts';
import type { Clock } from '../../../state/clock.ts';
import { NetworkServiceSchema, type NetworkService } from '../proto/registry_pb.ts';
import { checkService, shown } from './check-record.ts';
import { maxClaims, maxLifeMs, maxServices, maxServicesPerOwner } from './limits.ts';
import { freeze, isSame } from './record.ts';
import { agentOwner, type Registrant } from './registrant.ts';
import { Watchers, type Asked, type Change } from './watch.ts';

/** Who registered a service, and when last (ms since the epoch). */
interface Claim {
  by: Registrant;
  at: number;
}

/** A service and to whom it belongs, as it is kept over the agent's restart. */
export interface KeptService {
  record: NetworkService;
  /** Put by people: only they and trusted callers change it. */
  fixed: boolean;
  /** The owners that registered it. */
  owners: readonly string[];
}

interface Entry extends Omit<KeptService, 'owners'> {
  claims: Map<string, Claim>;
}

export interface ServiceOptions {
  clock: Clock;
  /** The owner has a living endpoint of the service. */
  isServedBy: (service: string, owner: string) => boolean;
  /** Keeps it before it counts; what it throws refuses the registration. */
  write: (service: KeptService) => void;
  remove: (name: string) => void;
  /** Its matches changed, or it is gone. */
  onChange: (name: string) => void;
}

/**
 * The services by name, in the order they came; none expires. A record that is handed out is frozen. A service
 * belongs to the workloads that registered it: to each for as long as it has an endpoint of it, and for the life of
 * a registration after it registered the service. What only the agent's own endpoints brought goes with the last
 * endpoint of it.
 */
export class NetworkServices {
  readonly #options: ServiceOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #watchers = new Watchers<NetworkService>();

  constructor(options: ServiceOptions, kept: readonly KeptService[] = []) {
    this.#options = options;
    const at = options.clock.now();
    for (const { record, fixed, owners } of kept)
      this.#entries.set(record.name, {
        record: freeze(record),
        fixed,
        claims: new Map(owners.map((owner) => [owner, { by: { owner }, at }])),
      });
  }

  /**
   * Makes or replaces; the answer is what is kept. Who names a service of others without matches only says that it
   * serves it, and nothing changes. Throws Failure: `invalid`, `denied` where it would change what is another's,
   * `exhausted` at a limit.
   */
  register(asked: NetworkService, by: Registrant): NetworkService {
    checkService(asked);
    const record = clone(NetworkServiceSchema, asked);
    if (record.payload === '') record.payload = 'IP';
    const before = this.#entries.get(record.name) ?? null;
    if (before === null) this.#makeRoom();
    if (before?.claims.has(by.owner) !== true) this.#checkOwn(by);
    if (before !== null && this.#isOfOthers(before, by)) {
      const same = isSame(NetworkServiceSchema, before.record, record);
      const isBare =
        asked.matches.length === 0 && (asked.payload === '' || asked.payload === before.record.payload);
      if (same || isBare) return this.#claim(before, by);
      if (by.trusted !== true) throw this.#denied(before, 'changed');
    } else if (before !== null && isSame(NetworkServiceSchema, before.record, record))
      return this.#claim(before, by);
    const claims = new Map([[by.owner, { by, at: this.#options.clock.now() }]]);
    this.#keep({ record: freeze(record), fixed: before?.fixed ?? false, claims });
    return record;
  }

  /** Makes or replaces whatever is there, for people. Throws Failure. */
  put(asked: NetworkService): NetworkService {
    checkService(asked);
    const record = clone(NetworkServiceSchema, asked);
    if (record.payload === '') record.payload = 'IP';
    const before = this.#entries.get(record.name);
    if (before === undefined) this.#makeRoom();
    this.#keep({ record: freeze(record), fixed: true, claims: before?.claims ?? new Map<string, Claim>() });
    return record;
  }

  /**
   * By its name; nothing if there is none. What others registered too stays theirs. Throws Failure `denied` where
   * it is only another's.
   */
  unregister(name: string, by: Registrant): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    const mine = entry.claims.has(by.owner);
    if (by.trusted !== true && this.#isOfOthers(entry, by)) {
      if (!mine) throw this.#denied(entry, 'unregistered');
      const claims = new Map(entry.claims);
      claims.delete(by.owner);
      this.#options.write(kept({ ...entry, claims }));
      entry.claims = claims;
      return;
    }
    this.#remove(entry);
  }

  /** For people. False if there is none. */
  delete(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry !== undefined) this.#remove(entry);
    return entry !== undefined;
  }

  /** No endpoint serves it any more: it goes, if only endpoints of the agent have brought it. */
  unserved(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.fixed) return;
    if (entry.claims.has(agentOwner) && entry.claims.size === 1) this.#remove(entry);
  }

  get(name: string): NetworkService | null {
    return this.#entries.get(name)?.record ?? null;
  }

  list(): NetworkService[] {
    return [...this.#entries.values()].map(({ record }) => record);
  }

  find({ name, fits }: Pick<Asked<NetworkService>, 'name' | 'fits'>): NetworkService[] {
    const named = name === '' ? this.list() : [this.get(name)];
    return named.flatMap((record) => (record !== null && fits(record) ? [record] : []));
  }

  /** What is there, then every change, until it is ended. Throws Failure `exhausted` at a limit. */
  watch(asked: Asked<NetworkService>): AsyncIterable<Change<NetworkService>> {
    return this.#watchers.add(asked, this.find(asked));
  }

  get watchers(): number {
    return this.#watchers.count;
  }

  #holds(service: string, { by, at }: Claim): boolean {
    if (by.isGone?.() === true) return false;
    return this.#options.clock.now() < at + maxLifeMs || this.#options.isServedBy(service, by.owner);
  }

  #isOfOthers({ record, fixed, claims }: Entry, { owner }: Registrant): boolean {
    return (
      fixed ||
      [...claims.values()].some((claim) => claim.by.owner !== owner && this.#holds(record.name, claim))
    );
  }

  /** Adds one to those it belongs to. Those that no longer hold it make room; without room it is not theirs. */
  #claim(entry: Entry, by: Registrant): NetworkService {
    const known = entry.claims.get(by.owner);
    const claims = new Map(entry.claims);
    if (known === undefined && claims.size >= maxClaims)
      for (const [owner, claim] of claims) if (!this.#holds(entry.record.name, claim)) claims.delete(owner);
    if (known !== undefined || claims.size < maxClaims)
      claims.set(by.owner, { by, at: this.#options.clock.now() });
    if (known === undefined) this.#options.write(kept({ ...entry, claims }));
    entry.claims = claims;
    return entry.record;
  }

  #checkOwn({ owner, trusted }: Registrant): void {
    if (trusted === true) return;
    const own = [...this.#entries.values()].filter(({ claims }) => claims.has(owner)).length;
    if (own >= maxServicesPerOwner) throw full('this workload has', own, maxServicesPerOwner);
  }

  /** The oldest that belongs to nobody goes first: it is of a workload that is no longer there. */
  #makeRoom(): void {
    if (this.#entries.size < maxServices) return;
    for (const entry of this.#entries.values()) {
      if (entry.fixed || [...entry.claims.values()].some((claim) => this.#holds(entry.record.name, claim)))
        continue;
      this.#remove(entry);
      return;
    }
    throw full('there are', this.#entries.size, maxServices);
  }

  #keep(entry: Entry): void {
    const before = this.#entries.get(entry.record.name)?.record ?? null;
    this.#options.write(kept(entry));
    this.#entries.set(entry.record.name, entry);
    if (before !== null && isSame(NetworkServiceSchema, before, entry.record)) return;
    this.#options.onChange(entry.record.name);
    this.#watchers.tell(before, entry.record);
  }

  #remove({ record }: Entry): void {
    this.#options.remove(record.name);
    this.#entries.delete(record.name);
    this.#options.onChange(record.name);
    this.#watchers.tell(record, null);
  }

  #denied({ record, fixed }: Entry, how: string): Failure {
    const whose = fixed ? 'was put by the administrator' : 'belongs to another workload';
    const allowed = `another name, or to register it as it is: payload ${record.payload}, without matches`;
    return new Failure(
      'denied',
      `network service '${shown(record.name)}' ${whose} and cannot be ${how}: allowed is ${allowed}`,
      { field: 'name', value: shown(record.name), allowed },
    );
  }
}

const kept = ({ record, fixed, claims }: Entry): KeptService => ({
  record,
  fixed,
  owners: [...claims.keys()],
});

const full = (whose: string, count: number, max: number): Failure =>
  new Failure('exhausted', `No more network services: ${whose} ${count} registered, allowed are ${max}`, {
    field: 'name',
    allowed: `${max} at a time`,
  });
