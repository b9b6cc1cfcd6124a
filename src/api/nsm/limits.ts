/** What every part of the protocol takes at most. */

/** Processes one connection may pass through; the longest paths between domains have about ten. */
export const maxPathSegments = 16;
/** Characters of a service's, endpoint's or process's name: what DNS takes at most. */
export const maxName = 253;
/** Of one client, of one endpoint for one service, of one selector. */
export const maxLabels = 64;
/** Of addresses, routes, neighbours, policies, prefixes and DNS servers of one connection, each. */
export const maxContextEntries = 64;
/** Services of one endpoint. */
export const maxServicesPerEndpoint = 64;
/** Connections of which endpoints have yet to hear that they ended, about a kilobyte each. */
export const maxFarewells = 10_000;
/** How long they are kept over ends of the agent: an endpoint's own token of the connection has ended by then. */
export const maxFarewellAgeMs = 3_600_000;
