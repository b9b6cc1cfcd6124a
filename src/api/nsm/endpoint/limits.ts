/** Routes, policies and DNS servers of an endpoint, each; what the agent takes of an answer. */
export const maxEntries = 64;
/** Services of one endpoint. */
export const maxServices = 64;
/** Characters of a name. */
export const maxName = 253;
/** Connections of one endpoint; more are refused. */
export const maxConnections = 65_536;
