// Long because it is one table: everything an endpoint can answer that nobody can carry out.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { statSync } from 'node:fs';
import {
  ConnectionSchema,
  PathSegmentSchema,
  type Connection,
} from '../../src/api/nsm/proto/connection_pb.ts';
import {
  DNSContextSchema,
  EthernetContextSchema,
  IpNeighborSchema,
  PolicyRouteSchema,
  RouteSchema,
} from '../../src/api/nsm/proto/connectioncontext_pb.ts';
import type { Oddity } from './odd-endpoint.ts';

const host = statSync('/proc/self/ns/net');
const hostUrl = `inode://${host.dev}/${host.ino}`;

/** Changes the answer and gives it. */
const changed =
  (change: (reply: Connection) => unknown): Oddity =>
  (reply) => {
    change(reply);
    return reply;
  };

const ip = (change: (context: NonNullable<NonNullable<Connection['context']>['ipContext']>) => unknown) =>
  changed(({ context }) => context?.ipContext && change(context.ipContext));
const parameter = (name: string, value: string) =>
  changed(({ mechanism }) => {
    if (mechanism) mechanism.parameters[name] = value;
  });
const ether = (srcMac: string, dstMac: string) =>
  changed(({ context }) => {
    if (context) context.ethernetContext = create(EthernetContextSchema, { srcMac, dstMac });
  });
const mtu = (bytes: number) =>
  changed(({ context }) => {
    if (context) context.MTU = bytes;
  });
const many = <T>(make: (i: number) => T): T[] => Array.from({ length: 10_000 }, (_, i) => make(i));
const entries = (): Record<string, string> => Object.fromEntries(many((i) => [`key-${i}`, 'value']));
const policy = (more: MessageInitShape<typeof PolicyRouteSchema>) =>
  ip((c) => {
    c.policies = [
      create(PolicyRouteSchema, { from: '172.18.0.1/32', routes: [{ prefix: '10.0.0.0/8' }], ...more }),
    ];
  });
const segment = (index: number, field: 'id' | 'name') =>
  changed(({ path }) => {
    const own = path?.pathSegments[index];
    if (own) own[field] = 'somebody';
  });
/** What, as which words in the error, for which field. */
export const nonsense: readonly [what: string, odd: Oddity, message: string, field: string][] = [
  [
    'an empty reply',
    () => create(ConnectionSchema),
    "has nothing at segment 0 of its path, where 'asker'",
    'connection.path',
  ],
  ["somebody else's id", segment(1, 'id'), "has 'AGENT' with id 'somebody' at segment 1", 'connection.path'],
  ['a client of another name', segment(0, 'name'), "has 'somebody' with id", 'connection.path'],
  [
    'no path',
    changed((reply) => {
      delete reply.path;
    }),
    'has nothing at segment 0',
    'connection.path',
  ],
  [
    'a path without end',
    changed(({ path }) =>
      path?.pathSegments.push(...many((i) => create(PathSegmentSchema, { name: `p${i}`, id: `i${i}` }))),
    ),
    "connection.path.path_segments is '10003 segments': allowed is at most 16",
    'connection.path.path_segments',
  ],
  [
    'no mechanism',
    changed((reply) => {
      delete reply.mechanism;
    }),
    "connection.mechanism is 'none': LOCAL KERNEL was asked for",
    'connection.mechanism',
  ],
  [
    'another mechanism',
    changed(({ mechanism }) => {
      if (mechanism) mechanism.type = 'MEMIF';
    }),
    "connection.mechanism is 'LOCAL MEMIF'",
    'connection.mechanism',
  ],
  [
    'a mechanism of another machine',
    changed(({ mechanism }) => {
      if (mechanism) mechanism.cls = 'REMOTE';
    }),
    "connection.mechanism is 'REMOTE KERNEL'",
    'connection.mechanism',
  ],
  [
    'a namespace that cannot be read',
    parameter('inodeURL', 'inode://4/x'),
    "is 'inode://4/x': this form is not known",
    "connection.mechanism.parameters['inodeURL']",
  ],
  [
    'a namespace that is not its own',
    parameter('inodeURL', 'inode://4/1'),
    'no descriptor of it came with the call',
    "connection.mechanism.parameters['inodeURL']",
  ],
  [
    'a namespace by its file',
    parameter('inodeURL', 'file:///proc/1/ns/net'),
    'only processes that the agent trusts may name files',
    "connection.mechanism.parameters['inodeURL']",
  ],
  [
    "the host's namespace",
    parameter('inodeURL', hostUrl),
    'without --allow-host-netns',
    "connection.mechanism.parameters['inodeURL']",
  ],
  [
    'a long interface name',
    parameter('name', 'a-name-that-is-too-long'),
    'it has 23 characters',
    "connection.mechanism.parameters['name']",
  ],
  [
    'a path for an interface name',
    parameter('name', '../etc'),
    "it has a '/'",
    "connection.mechanism.parameters['name']",
  ],
  [
    'an interface name that is taken',
    parameter('name', 'lo'),
    'an interface of that name exists',
    "connection.mechanism.parameters['name']",
  ],
  [
    'a parameter without end',
    parameter('name', 'x'.repeat(5_000)),
    'allowed is at most 1024 characters',
    "connection.mechanism.parameters['name']",
  ],
  [
    'an address that is none',
    ip((c) => {
      c.srcIpAddrs = ['here'];
    }),
    "is 'here': allowed is an address with a prefix length",
    'connection.context.ip_context.src_ip_addrs[0]',
  ],
  [
    '10,000 addresses',
    ip((c) => {
      c.srcIpAddrs = many((i) => `10.${i >> 8}.${i & 255}.1/32`);
    }),
    "is '10000 entries': allowed is at most 64",
    'connection.context.ip_context.src_ip_addrs',
  ],
  [
    'a group for an address',
    ip((c) => {
      c.srcIpAddrs = ['224.0.0.1/32'];
    }),
    'it is a group address',
    'connection.context.ip_context.src_ip_addrs[0]',
  ],
  [
    'an address the pod has',
    ip((c) => {
      c.srcIpAddrs = ['127.0.0.1/8'];
    }),
    "it overlaps 127.0.0.1/32 of 'lo'",
    'connection.context.ip_context.src_ip_addrs[0]',
  ],
  [
    'an address the kernel refuses',
    ip((c) => {
      c.srcIpAddrs = ['::/128'];
    }),
    'EADDRNOTAVAIL',
    'connection.context.ip_context.src_ip_addrs[0]',
  ],
  [
    'a prefix that is too long',
    ip((c) => {
      c.dstIpAddrs = ['10.0.0.1/99'];
    }),
    'an IPv4 prefix has at most 32 bits',
    'connection.context.ip_context.dst_ip_addrs[0]',
  ],
  [
    'a route to nowhere',
    ip((c) => {
      c.srcRoutes = [create(RouteSchema, { prefix: '300.0.0.0/8' })];
    }),
    "'300.0.0.0' is no IP address",
    'connection.context.ip_context.src_routes[0].prefix',
  ],
  [
    'a gateway that is none',
    ip((c) => {
      c.srcRoutes = [create(RouteSchema, { prefix: '10.0.0.0/8', nextHop: 'there' })];
    }),
    "is 'there': allowed is an IP address",
    'connection.context.ip_context.src_routes[0].nextHop',
  ],
  [
    '10,000 routes',
    ip((c) => {
      c.srcRoutes = many((i) => create(RouteSchema, { prefix: `10.${i >> 8}.${i & 255}.0/24` }));
    }),
    "is '10000 entries': allowed is at most 64",
    'connection.context.ip_context.src_routes',
  ],
  [
    'a MAC that is none',
    ip((c) => {
      c.ipNeighbors = [create(IpNeighborSchema, { ip: '172.18.0.0', hardwareAddress: 'zz' })];
    }),
    "is 'zz': allowed is six bytes in hex",
    'connection.context.ip_context.ip_neighbors',
  ],
  [
    'a neighbour that is none',
    ip((c) => {
      c.ipNeighbors = [create(IpNeighborSchema, { ip: 'zz', hardwareAddress: '02:00:00:00:00:01' })];
    }),
    "is 'zz': allowed is an IP address",
    'connection.context.ip_context.ip_neighbors[0].ip',
  ],
  [
    'a policy for no protocol',
    policy({ proto: 'banana' }),
    "is 'banana': allowed is a number from 1 to 255",
    'connection.context.ip_context.policies[0].ipProto',
  ],
  [
    'a policy for no port',
    policy({ proto: '6', dstPort: '99999' }),
    "is '99999': allowed is a port",
    'connection.context.ip_context.policies[0].dport',
  ],
  [
    '10,000 routes of a policy',
    policy({ routes: many((i) => create(RouteSchema, { prefix: `10.${i >> 8}.${i & 255}.0/24` })) }),
    "is '10000 routes': allowed is at most 64",
    'connection.context.ip_context.policies[0].routes',
  ],
  [
    'a device MAC that is none',
    ether('zz', ''),
    "is 'zz': allowed is six bytes in hex",
    'connection.context.ethernet_context.src_mac',
  ],
  [
    'a group for a device MAC',
    ether('', 'ff:ff:ff:ff:ff:ff'),
    'allowed is a unicast address',
    'connection.context.ethernet_context.dst_mac',
  ],
  [
    'an MTU of a byte',
    mtu(1),
    "is '1': allowed is a whole number of bytes from 68 to 65535",
    'connection.context.MTU',
  ],
  [
    'an MTU without bound',
    mtu(4_294_967_295),
    "is '4294967295': allowed is a whole number",
    'connection.context.MTU',
  ],
  ['an MTU below what IPv6 needs', mtu(1_000), 'IPv6 needs more', 'connection.context.MTU'],
  [
    '10,000 labels',
    changed((reply) => {
      reply.labels = entries();
    }),
    "is '10000 entries': allowed is at most 64",
    'connection.labels',
  ],
  [
    '10,000 things more',
    changed(({ context }) => {
      if (context) context.extraContext = entries();
    }),
    "is '10000 entries': allowed is at most 64",
    'connection.context.extra_context',
  ],
  [
    '10,000 name servers',
    changed(({ context }) => {
      if (context) context.dnsContext = create(DNSContextSchema, { configs: many(() => ({})) });
    }),
    "is '10000 entries': allowed is at most 64",
    'connection.context.dns_context.configs',
  ],
];
