import { z } from 'zod';

const netns = z.object({
  /** As the caller named it. */
  ref: z.string(),
  /** Identity of the namespace: device and inode, in decimal. Inodes exceed no safe integer here. */
  dev: z.number(),
  inode: z.number(),
});

const route = z.object({ prefix: z.string(), via: z.string().nullable() });
const neighbor = z.object({ address: z.string(), mac: z.string() });
const policy = z.object({
  from: z.string().nullable(),
  ipProto: z.string().nullable(),
  sport: z.string().nullable(),
  dport: z.string().nullable(),
  routes: z.array(route),
  /** The routing table that was chosen for it. */
  table: z.number(),
});

const ip = {
  addresses: z.array(z.string()),
  // Files of earlier agents say nothing of these.
  routes: z.array(route).default([]),
  neighbors: z.array(neighbor).default([]),
  policies: z.array(policy).default([]),
};
const ipRecord = z.object(ip);

const side = z.object({
  netns,
  /** Device in the agent's namespace; ifindex 0 until the kernel has told it. */
  hostName: z.string(),
  hostIfindex: z.number(),
  name: z.string(),
  ifindex: z.number(),
  mac: z.string(),
  ...ip,
  /** What a change that is under way makes of it: after a crash the kernel may have some of it. */
  coming: ipRecord.nullable().default(null),
  /** The namespace is the agent's own. */
  own: z.boolean(),
});

export const wireRecord = z.object({
  schema: z.literal(1),
  id: z.number(),
  connection: z.string(),
  service: z.string().nullable(),
  owner: z.enum(['wire', 'connection']).default('wire'),
  /** What was meant. `opening` is written before anything is created. */
  intent: z.enum(['opening', 'open', 'closing']),
  since: z.string(),
  mtu: z.number(),
  /** What the caller asked for, and what the rules made of it. */
  requested: z.enum(['auto', 'tcx', 'clsact', 'xdp']),
  datapath: z.enum(['tcx', 'clsact', 'xdp']),
  reason: z.string(),
  acceptNoOffload: z.boolean(),
  /** The last things that went wrong with it, oldest first. */
  errors: z.array(z.object({ at: z.string(), message: z.string() })),
  left: side,
  right: side,
  /** A side that is being put elsewhere, and where it was: until this is gone the new one may be half-made. */
  leaving: z
    .object({ side: z.enum(['left', 'right']), had: side })
    .nullable()
    .default(null),
});

/** How many errors a record keeps. */
export const KEPT_ERRORS = 5;

export type WireRecord = z.infer<typeof wireRecord>;
export type SideRecord = z.infer<typeof side>;
/** What IP is to know of a side. Prefixes have no host part, everything is in its canonical form. */
export type IpRecord = z.infer<typeof ipRecord>;
export type RouteRecord = z.infer<typeof route>;
export type NeighborRecord = z.infer<typeof neighbor>;
export type PolicyRecord = z.infer<typeof policy>;
export type NetnsRecord = z.infer<typeof netns>;
