/** A request names two namespaces and their addresses; a megabyte is no honest one. */
export const maxRequestBytes = 1024 * 1024;

/** A list of 100,000 wires at about 600 bytes each. */
export const maxResponseBytes = 64 * 1024 * 1024;

/** Calls at a time of one connection. */
export const maxStreams = 64;

/** Clients at a time; more are turned away at accept. */
export const maxConnections = 128;

/** Events a watcher may be behind before it is cut off, beyond what the socket holds. */
export const maxPendingEvents = 1024;
