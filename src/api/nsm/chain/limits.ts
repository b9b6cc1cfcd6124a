/**
 * What one connection may ask for beside ../limits.ts, so that nobody makes the agent, its files or a pod's tables grow
 * without end.
 */

/** Characters, of a label's key and of its value. */
export const maxLabelText = 253;
export const maxPreferences = 16;
export const maxMechanismParameters = 32;
/** Characters of one parameter. */
export const maxParameterText = 1024;
export const maxExtraContext = 64;
