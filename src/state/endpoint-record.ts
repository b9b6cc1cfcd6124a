import { z } from 'zod';

/** An endpoint the agent answers for: what was asked when it was added. */
export const endpointRecord = z.object({
  schema: z.literal(1),
  name: z.string(),
  services: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
  /** As the caller named it, and what it was then. */
  netns: z.object({ ref: z.string(), dev: z.number(), inode: z.number() }),
  pools: z.array(z.string()),
  routes: z.array(z.object({ prefix: z.string(), via: z.string().nullable() })),
  mtu: z.number().nullable(),
  payload: z.string(),
});

export type EndpointRecord = z.infer<typeof endpointRecord>;
