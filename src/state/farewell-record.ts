import { z } from 'zod';

export const farewellRecord = z.object({
  schema: z.literal(1),
  /** The agent's own id of the connection that has ended. */
  id: z.string(),
  /** The endpoint that has yet to hear of it. */
  endpoint: z.string(),
  /** When it ended, ISO 8601. */
  ended: z.string(),
  /** NSM's message in base64, as the endpoint is told it: opaque here, so that fields of a later protocol survive. */
  connection: z.string(),
});

export type FarewellRecord = z.infer<typeof farewellRecord>;
