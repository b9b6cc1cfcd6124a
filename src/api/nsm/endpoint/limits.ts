/** Connections of one endpoint; more are refused. */
export const maxConnections = 65_536;
