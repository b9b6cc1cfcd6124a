/** For the agent to answer a registration; NSM's registries drop a record that much before its end. */
export const registerMs = 15_000;

/** For telling the agent that this endpoint goes. */
export const unregisterMs = 2_000;

/** For requests at work when the endpoint is closed. */
export const closeGraceMs = 2_000;

/** A registration is repeated after this part of its life, as NSM's are. */
export const renewedAfter = 2 / 3;

/** Where the agent does not say when a registration ends. */
export const lifeMs = 60_000;

/** Requests for one connection that wait for their turn. */
export const maxWaitingRequests = 64;

/** An answer that is older than this has become a connection, or never will: NSM's requests take 15 s. */
export const unsettledMs = 20_000;
