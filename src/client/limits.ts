/** What an agent is given to answer a request, as NSM_REQUEST_TIMEOUT's default. */
export const requestMs = 15_000;

/** To answer a Close: a device may have to go first. */
export const closeMs = 10_000;

/** For telling the agent to forget what nobody waited for. */
export const forgetMs = 2_000;

/** Between attempts that fail: the first wait, and the longest. */
export const firstPauseMs = 50;
export const longestPauseMs = 1_000;

/** A connection is asked for again after this part of its life. */
export const refreshedAfter = 1 / 3;

/** Updates of a connection that wait for one reader; a slower one gets a Failure. */
export const maxWaitingUpdates = 1024;

/** Calls of one client that wait for their answers; the others wait here. An agent takes 128 of one caller. */
export const callsAtOnce = 64;

/** How long the endpoint of a connection that the agent lost may be missing before any other one is asked. */
export const reselectAfterMs = 3_000;
