// What a series of rounds comes to.

/** The middle value, or the mean of the two middle ones. `values` must not be empty. */
export function median(values) {
  if (values.length === 0) throw new RangeError('The median of no values');
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The smallest value that at least a share `q` of all does not exceed (nearest rank). */
export function quantile(values, q) {
  if (values.length === 0) throw new RangeError('The quantile of no values');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}

/**
 * Median, lowest and highest of the quotients value / reference of the same round. Rounds in which either
 * is missing (null) or the reference is 0 do not count; null when no round is left.
 */
export function ratios(values, references) {
  const quotients = values.flatMap((value, round) => {
    const reference = references[round] ?? null;
    return value === null || reference === null || reference === 0 ? [] : [value / reference];
  });
  if (quotients.length === 0) return null;
  return { median: median(quotients), low: Math.min(...quotients), high: Math.max(...quotients) };
}

/**
 * One subject's line in one work. `samples` has one {value, cpu} or null per round, `references` the bare
 * pair's value or null per round; null when the subject was never measured.
 */
export function summary(name, unit, samples, references) {
  const measured = samples.filter((sample) => sample !== null);
  if (measured.length === 0) return null;
  const values = measured.map(({ value }) => value);
  return {
    name,
    unit,
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    ratio: ratios(
      samples.map((sample) => sample?.value ?? null),
      references,
    ),
    cpu: median(measured.map(({ cpu }) => cpu)),
  };
}
