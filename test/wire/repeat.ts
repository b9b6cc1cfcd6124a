/** How often a repeated test does what it does: VWIRE_N where that is set, else `few`. */
export const repetitions = (few: number): number => {
  const given = Number(process.env.VWIRE_N);
  return Number.isInteger(given) && given > 0 ? given : few;
};
