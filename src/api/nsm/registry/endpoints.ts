import { clone } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { randomBytes } from 'node:crypto';
import { Failure } from '../../../features/failure.ts';
import type { Clock } from '../../../state/clock.ts';
import { NetworkServiceEndpointSchema, type NetworkServiceEndpoint } from '../proto/registry_pb.ts';
import { checkEndpoint, shown } from './check-record.ts';
import { maxName } from '../limits.ts';
import { maxEndpoints, maxEndpointsPerOwner, maxLifeMs } from './limits.ts';
import { freeze } from './record.ts';
import type { Registrant } from './registrant.ts';
import { Watchers, type Asked, type Change } from './watch.ts';

/** How an endpoint is reached and how long it lives, beside who registers it. */
export interface EndpointTerms extends Registrant {
  /** One the agent answers for: it stays until it is unregistered. */
  neverExpires?: boolean;
  /** When the caller's token ends, ms since the epoch. */
  tokenExpires?: number | null;
  /** Where it is dialled, if that is not its URL. */
  target?: string;
  /** Called once, when this registration has ended or another has taken its place. Not called if it is refused. */
  release?: () => void;
}

interface Entry {
  record: NetworkServiceEndpoint;
  terms: EndpointTerms;
  /** What the caller asked for, ms since the epoch; null if it left it open. */
  asked: number | null;
  /** ms since the epoch; Infinity is never. */
  expires: number;
  cancel: () => void;
}

/** A registered endpoint, as people are shown it. */
export interface EndpointEntry {
  readonly record: NetworkServiceEndpoint;
  readonly owner: string;
  /** Where it is dialled. */
  readonly target: string;
  /** The agent itself answers for it. */
  readonly hosted: boolean;
  /** ms since the epoch; null is never. */
  readonly expires: number | null;
}

/**
 * The endpoints by name, in the order they came. A record that is handed out is frozen. `onGone` hears which
 * services an endpoint no longer serves.
 */
export class Endpoints {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #byService = new Map<string, Set<string>>();
  readonly #owned = new Map<string, number>();
  readonly #watchers = new Watchers<NetworkServiceEndpoint>();
  readonly #onGone: (endpoint: string, services: readonly string[]) => void;

  constructor(clock: Clock, onGone: (endpoint: string, services: readonly string[]) => void) {
    this.#clock = clock;
    this.#onGone = onGone;
  }

  /**
   * Makes or replaces; the answer is what is kept. Without a name one is drawn. Lives until the earliest of what
   * is asked for, the token's end and the longest life. Throws Failure: `invalid`, `denied` where the name is
   * another's, `exhausted` at a limit.
   */
  register(asked: NetworkServiceEndpoint, terms: EndpointTerms): NetworkServiceEndpoint {
    checkEndpoint(asked);
    const now = this.#clock.now();
    const record = clone(NetworkServiceEndpointSchema, asked);
    if (record.name === '') record.name = this.#draw(record.networkServiceNames[0] ?? null);
    const before = this.#entries.get(record.name);
    if (before !== undefined) this.#checkOwner(before, terms, now);
    if (before?.terms.owner !== terms.owner) this.#checkRoom(terms, before === undefined);
    const wish = record.expirationTime === undefined ? null : timestampMs(record.expirationTime);
    // Who repeats the last answer does not ask for its end, which would come closer each time.
    const open = wish === null || (before?.expires === wish && before.asked !== wish);
    const expires = terms.neverExpires === true ? Infinity : this.#end(now, open ? null : wish, terms);
    if (expires === Infinity) delete record.expirationTime;
    else record.expirationTime = timestampFromMs(expires);
    const since = before?.terms.owner === terms.owner ? before.record.initialRegistrationTime : undefined;
    record.initialRegistrationTime = since ?? record.initialRegistrationTime ?? timestampFromMs(now);
    this.#keep(freeze(record), terms, open ? null : wish, expires);
    return record;
  }

  /** By its name; nothing if there is none. Throws Failure `denied` where it is another's. */
  unregister(name: string, by: Registrant): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#checkOwner(entry, by, this.#clock.now());
    this.#remove(entry);
  }

  get(name: string): EndpointEntry | null {
    const entry = this.#entries.get(name);
    return entry === undefined || this.#isOver(entry) ? null : shownEntry(entry);
  }

  list(): EndpointEntry[] {
    return [...this.#entries.values()].filter((entry) => !this.#isOver(entry)).map(shownEntry);
  }

  /** In the order they were registered. */
  serving(service: string): NetworkServiceEndpoint[] {
    return [...(this.#byService.get(service) ?? [])].flatMap((name) => {
      const entry = this.#entries.get(name);
      return entry === undefined || this.#isOver(entry) ? [] : [entry.record];
    });
  }

  isServedBy(service: string, owner: string): boolean {
    return [...(this.#byService.get(service) ?? [])].some((name) => {
      const entry = this.#entries.get(name);
      return entry?.terms.owner === owner && !this.#isOver(entry);
    });
  }

  find({ name, fits }: Pick<Asked<NetworkServiceEndpoint>, 'name' | 'fits'>): NetworkServiceEndpoint[] {
    const named = name === '' ? this.list() : [this.get(name)];
    return named.flatMap((entry) => (entry !== null && fits(entry.record) ? [entry.record] : []));
  }

  /** What is there, then every change, until it is ended. Throws Failure `exhausted` at a limit. */
  watch(asked: Asked<NetworkServiceEndpoint>): AsyncIterable<Change<NetworkServiceEndpoint>> {
    return this.#watchers.add(asked, this.find(asked));
  }

  get watchers(): number {
    return this.#watchers.count;
  }

  /** Releases all. */
  close(): void {
    for (const entry of [...this.#entries.values()]) this.#remove(entry);
  }

  /** A timer may be late. */
  #isOver(entry: Entry): boolean {
    return entry.expires <= this.#clock.now();
  }

  #draw(service: string | null): string {
    for (;;) {
      const random = randomBytes(5).toString('hex');
      const room = maxName - 'nse--'.length - random.length;
      const start = service?.slice(0, room).replace(/\p{Cs}$/u, '');
      const name = start === undefined ? `nse-${random}` : `nse-${start}-${random}`;
      if (!this.#entries.has(name)) return name;
    }
  }

  #checkOwner({ record, terms, expires }: Entry, by: Registrant, now: number): void {
    if (terms.owner === by.owner || by.trusted === true || expires <= now || terms.isGone?.() === true)
      return;
    const until =
      expires === Infinity ? '' : ` from ${new Date(expires).toISOString()} on, if it is not renewed`;
    const allowed = expires === Infinity ? 'another name' : `another name, or this one${until}`;
    throw new Failure(
      'denied',
      `network service endpoint '${shown(record.name)}' belongs to another workload: allowed is ${allowed}`,
      { field: 'name', value: shown(record.name), allowed },
    );
  }

  #checkRoom({ owner, trusted }: Registrant, isNew: boolean): void {
    const own = this.#owned.get(owner) ?? 0;
    const all = this.#entries.size;
    if (trusted !== true && own >= maxEndpointsPerOwner)
      throw full('this workload has', own, maxEndpointsPerOwner);
    if (isNew && all >= maxEndpoints) throw full('there are', all, maxEndpoints);
  }

  #end(now: number, asked: number | null, { tokenExpires }: EndpointTerms): number {
    const ends: [field: string, at: number][] = [['expiration_time', now + maxLifeMs]];
    if (asked !== null) ends.push(['expiration_time', asked]);
    if (typeof tokenExpires === 'number') ends.push(['token', tokenExpires]);
    for (const [field, at] of ends)
      if (!(at > now))
        throw new Failure(
          'invalid',
          `Field '${field}' ends at ${time(at)}, which is past: allowed is after ${time(now)}`,
          { field, value: time(at), allowed: `after ${time(now)}` },
        );
    return Math.min(...ends.map(([, at]) => at));
  }

  #keep(record: NetworkServiceEndpoint, terms: EndpointTerms, asked: number | null, expires: number): void {
    const before = this.#entries.get(record.name) ?? null;
    before?.cancel();
    const entry: Entry = { record, terms, asked, expires, cancel: () => undefined };
    this.#entries.set(record.name, entry);
    this.#arm(entry);
    if (before !== null) this.#count(before.terms.owner, -1);
    this.#count(terms.owner, 1);
    const left =
      before?.record.networkServiceNames.filter((s) => !record.networkServiceNames.includes(s)) ?? [];
    this.#unindex(record.name, left);
    for (const service of record.networkServiceNames) {
      const names = this.#byService.get(service) ?? new Set();
      this.#byService.set(service, names.add(record.name));
    }
    this.#onGone(record.name, left);
    before?.terms.release?.();
    this.#watchers.tell(before?.record ?? null, record);
  }

  #arm(entry: Entry): void {
    if (entry.expires === Infinity) return;
    entry.cancel = this.#clock.after(entry.expires - this.#clock.now(), () => {
      // The wall clock may have been set back meanwhile.
      if (this.#isOver(entry)) this.#remove(entry);
      else this.#arm(entry);
    });
  }

  #remove(entry: Entry): void {
    const { record, terms } = entry;
    entry.cancel();
    this.#entries.delete(record.name);
    this.#count(terms.owner, -1);
    this.#unindex(record.name, record.networkServiceNames);
    this.#onGone(record.name, record.networkServiceNames);
    terms.release?.();
    this.#watchers.tell(record, null);
  }

  #unindex(name: string, services: readonly string[]): void {
    for (const service of services) {
      const names = this.#byService.get(service);
      names?.delete(name);
      if (names?.size === 0) this.#byService.delete(service);
    }
  }

  #count(owner: string, by: number): void {
    const count = (this.#owned.get(owner) ?? 0) + by;
    if (count > 0) this.#owned.set(owner, count);
    else this.#owned.delete(owner);
  }
}

const time = (ms: number): string => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms));

const shownEntry = ({ record, terms, expires }: Entry): EndpointEntry => ({
  record,
  owner: terms.owner,
  target: terms.target ?? record.url,
  hosted: terms.neverExpires === true,
  expires: expires === Infinity ? null : expires,
});

const full = (whose: string, count: number, max: number): Failure =>
  new Failure('exhausted', `No more endpoints: ${whose} ${count} registered, allowed are ${max}`, {
    field: 'name',
    allowed: `${max} at a time`,
  });
