/** Characters; a Kubernetes key with its prefix has 317. */
export const maxLabelKey = 317;

/** Characters; Kubernetes allows 63, and templates are longer than what they stand for. */
export const maxLabelValue = 1024;

/** Characters. */
export const maxUrl = 1024;

export const maxMatches = 64;

/** Of one match. */
export const maxRoutes = 64;

/** What its field in NSM's message takes. */
export const maxWeight = 2 ** 32 - 1;

/** What one registration may hold in all, fields that are not known here included. */
export const maxEndpointBytes = 8 * 1024;
export const maxServiceBytes = 64 * 1024;

/** On this node, and of one owner unless it is trusted. */
export const maxEndpoints = 10_000;
export const maxEndpointsPerOwner = 256;
export const maxServices = 4096;
export const maxServicesPerOwner = 128;

/** How many owners of a service are kept apart; replicas of one workload register the same service. */
export const maxClaims = 1024;

/** Of one service: the sets of routes for which it is kept whose turn it is. */
export const maxBalances = 256;

/** A registration that is not repeated lapses after this long, as it does at NSM's manager. */
export const maxLifeMs = 60_000;

/** Open streams of Find with watch, of both kinds each. */
export const maxWatchers = 8192;
export const maxWatchersPerOwner = 512;

/** How many of the names that exist an answer tells. */
export const maxNamesTold = 10;

/** A descriptor is sent before the call it belongs to, so it is there or it never comes. */
export const descriptorWaitMs = 2000;
