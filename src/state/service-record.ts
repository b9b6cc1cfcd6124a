import { z } from 'zod';

export const serviceRecord = z.object({
  schema: z.literal(1),
  name: z.string(),
  payload: z.string(),
  /** Put by people, whom no workload overrules. */
  fixed: z.boolean(),
  /** The workloads that registered it. */
  owners: z.array(z.string()),
  /** NSM's message in base64, opaque here, so that fields of a later protocol survive. */
  message: z.string(),
});

export type ServiceRecord = z.infer<typeof serviceRecord>;
