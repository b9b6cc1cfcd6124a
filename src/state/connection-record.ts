import { z } from 'zod';

const side = z.object({
  mechanism: z.string(),
  netns: z.string(),
  name: z.string(),
  addresses: z.array(z.string()),
  routes: z.array(z.string()),
});

const identity = z.object({ dev: z.number(), inode: z.number() });

export const connectionRecord = z.object({
  schema: z.literal(1),
  /** The agent's own id of it, and the connection name of its wire. */
  id: z.string(),
  /** What was meant. `opening` is written before the endpoint is asked, `closing` before anything is undone. */
  intent: z.enum(['opening', 'open', 'closing']),
  /** What people are shown of it. */
  clientId: z.string(),
  service: z.string(),
  endpoint: z.string(),
  payload: z.string(),
  since: z.string(),
  /** In the file of one that is asked for again at most half a life later than promised, so that it lasts for some. */
  expires: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  path: z.array(z.object({ name: z.string(), id: z.string() })),
  wire: z.number().nullable(),
  mtu: z.number(),
  left: side,
  right: side,
  errors: z.array(z.object({ at: z.string(), message: z.string() })),
  /** Why this endpoint. */
  reason: z.string(),
  /** Where the endpoint is asked; empty for one the agent answers for. */
  target: z.string(),
  /** The namespaces of both sides; null before they are known. */
  leftNetns: identity.nullable(),
  rightNetns: identity.nullable(),
  /**
   * NSM messages in base64, opaque here, so that fields of a later protocol survive: the last request as it
   * was received, the connection as it stands, and the mechanism that the endpoint answered with.
   */
  request: z.string(),
  reply: z.string().nullable(),
  endpointMechanism: z.string().nullable(),
});

export type ConnectionRecord = z.infer<typeof connectionRecord>;
export type ConnectionSideRecord = z.infer<typeof side>;

/** How many errors a record keeps. */
export const KEPT_CONNECTION_ERRORS = 5;
