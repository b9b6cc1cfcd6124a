/** How much of each one side of a wire takes. A caller could otherwise fill the kernel's tables. */
export const MAX_ADDRESSES = 64;
export const MAX_ROUTES = 256;
export const MAX_NEIGHBORS = 256;
export const MAX_POLICIES = 64;
/** Of each policy. */
export const MAX_POLICY_ROUTES = 64;
