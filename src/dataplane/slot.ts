/** Our filter's place on a clsact or in its block: 0x7677 is "vw". A handle and priority make it replaceable. */
export const filterSlot = { handle: 1, priority: 0x7677 } as const;
