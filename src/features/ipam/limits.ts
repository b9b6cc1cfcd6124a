/** Pools of one endpoint. */
export const maxPools = 16;

/** Prefixes a connection may exclude. */
export const maxExcluded = 1024;

/** Addresses of earlier endpoints that a connection carries along, on either side; the oldest go first. */
export const maxKept = 16;

/** Pools of before that are remembered, so that their addresses do not come back with a connection. */
export const maxFormer = 256;
