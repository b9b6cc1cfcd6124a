/** Processes one connection may pass through; the longest paths between domains have about ten. */
export const maxPathSegments = 64;
/** Connections of which endpoints have yet to hear that they ended, about a kilobyte each. */
export const maxFarewells = 10_000;
