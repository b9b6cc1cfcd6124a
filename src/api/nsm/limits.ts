/** Processes one connection may pass through; the longest paths between domains have about ten. */
export const maxPathSegments = 64;
