/** What one connection may ask for, so that nobody makes the agent, its files or a pod's tables grow without end. */
export const maxLabels = 64;
/** Characters, of a label's key and of its value. */
export const maxLabelText = 253;
/** Characters of a service's, endpoint's or process's name. */
export const maxName = 253;
/** A path is client, managers, forwarders, endpoint; proxies between domains add a few. */
export const maxSegments = 16;
export const maxPreferences = 16;
export const maxMechanismParameters = 32;
/** Characters of one parameter. */
export const maxParameterText = 1024;
/** Of addresses, routes, neighbours, policies and prefixes, each. */
export const maxContextEntries = 64;
export const maxExtraContext = 64;
