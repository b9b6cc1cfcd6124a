import fc from 'fast-check';
import type { AddressSpec } from '../../src/net/addr.ts';
import type { Cidr } from '../../src/net/cidr.ts';
import { hooks, type Filter } from '../../src/net/filter.ts';
import { formatIp, type Family } from '../../src/net/ip.ts';
import type { LinkChange } from '../../src/net/link.ts';
import { formatMac } from '../../src/net/mac.ts';
import type { Neighbour } from '../../src/net/neigh.ts';
import type { RouteSpec } from '../../src/net/route.ts';
import type { Rule } from '../../src/net/rule.ts';

// fast-check prints the seed of a run that failed; VWIRE_SEED repeats it.
if (process.env.VWIRE_SEED !== undefined) fc.configureGlobal({ seed: Number(process.env.VWIRE_SEED) });

/** Values of every kind the codec encodes, for its property tests. */
export const u8 = fc.integer({ min: 0, max: 0xff });
export const u16 = fc.integer({ min: 0, max: 0xffff });
export const u32 = fc.integer({ min: 0, max: 0xffffffff });
export const ifindex = fc.integer({ min: 1, max: 0x7fffffff });

const bytes = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((b) => Buffer.from(b));

export const mac = bytes(6).map((b) => formatMac(b) ?? '');
export const ifname = fc.stringMatching(/^[a-z][a-z0-9._-]{0,14}$/);

/** With runs of zeros more often than chance would have them, for the sake of '::'. */
export const ip = (family: Family): fc.Arbitrary<string> =>
  family === 4
    ? bytes(4).map(formatIp)
    : fc
        .array(fc.oneof(fc.constant(0), u16), { minLength: 8, maxLength: 8 })
        .map((groups) => formatIp(Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]))));

export const cidr = (family: Family): fc.Arbitrary<Cidr> =>
  fc.record({
    family: fc.constant(family),
    address: ip(family),
    prefix: fc.integer({ min: 0, max: family === 4 ? 32 : 128 }),
  });

const family = fc.constantFrom<Family>(4, 6);
const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });

export const linkChange: fc.Arbitrary<LinkChange> = fc.record(
  {
    name: ifname,
    mac,
    mtu: u32,
    alias: fc.string({ minLength: 1, maxLength: 60 }).filter((text) => !text.includes('\0')),
    group: u32,
    txQueueLength: u32,
    up: fc.boolean(),
    noArp: fc.boolean(),
    sizes: fc.record({ gso: u32, gro: u32, gsoIpv4: orNull(u32), groIpv4: orNull(u32) }),
    netnsFd: fc.nat(1000),
  },
  { requiredKeys: ['name'] },
);

export const address: fc.Arbitrary<AddressSpec> = family.chain((f) =>
  fc
    .record({
      ifindex,
      cidr: cidr(f),
      peer: orNull(ip(f)),
      noDad: fc.boolean(),
      noPrefixRoute: fc.boolean(),
    })
    // The kernel says "no peer" by giving the address itself.
    .map((spec) => (spec.peer === spec.cidr.address ? { ...spec, peer: null } : spec)),
);

export const neighbour: fc.Arbitrary<Neighbour> = family.chain((f) =>
  fc.record({
    ifindex,
    address: ip(f),
    mac: orNull(mac),
    state: fc.constantFrom('none', 'incomplete', 'reachable', 'stale', 'failed', 'noarp', 'permanent'),
  }),
);

export const route: fc.Arbitrary<RouteSpec> = family.chain((f) =>
  fc.record({
    family: fc.constant(f),
    type: fc.constantFrom('unicast', 'local', 'blackhole', 'unreachable', 'prohibit', 'throw'),
    dst: orNull(cidr(f)),
    src: orNull(cidr(f)),
    gateway: orNull(fc.oneof(ip(4), ip(6))),
    oif: orNull(ifindex),
    prefSrc: orNull(ip(f)),
    metric: orNull(u32),
    table: u32,
    protocol: u8,
    scope: u8,
    onlink: fc.boolean(),
    mtu: orNull(u32),
  }),
);

const ports = fc.record({ from: u16, to: u16 });

export const rule: fc.Arbitrary<Rule> = family.chain((f) =>
  fc.record({
    family: fc.constant(f),
    priority: orNull(u32),
    action: fc.constantFrom('table', 'goto', 'nop', 'blackhole', 'unreachable', 'prohibit'),
    table: u32,
    src: orNull(cidr(f)),
    dst: orNull(cidr(f)),
    iif: orNull(ifname),
    oif: orNull(ifname),
    fwmark: orNull(u32),
    fwmask: orNull(u32),
    ipProto: orNull(u8),
    sport: orNull(ports),
    dport: orNull(ports),
    invert: fc.boolean(),
    suppressPrefix: orNull(fc.nat(128)),
  }),
);

export const filter: fc.Arbitrary<Filter> = fc.record({
  ifindex,
  kind: fc.constant('bpf'),
  parent: fc.constantFrom(hooks.ingress, hooks.egress),
  handle: u32,
  priority: u16,
  protocol: u16,
  chain: u32,
  bpf: fc.record({
    name: orNull(ifname),
    program: orNull(u32),
    tag: fc.constant(null),
    directAction: fc.boolean(),
  }),
});
