const steps = [
  { unit: 'd', seconds: 86_400 },
  { unit: 'h', seconds: 3_600 },
  { unit: 'm', seconds: 60 },
  { unit: 's', seconds: 1 },
] as const;

/** How long ago, in the two largest units: `3d4h`, `12m5s`, `0s`. A moment to come is `0s`. */
export const age = (since: string, now: Date): string => span(now.getTime() - Date.parse(since));

/** How long until then, as `in 9m30s`, or `past`. */
export function remaining(until: string, now: Date): string {
  const ms = Date.parse(until) - now.getTime();
  return ms <= 0 ? 'past' : `in ${span(ms)}`;
}

function span(ms: number): string {
  const passed = Math.floor(ms / 1_000);
  if (Number.isNaN(passed)) return '?';
  const at = steps.findIndex(({ seconds }) => passed >= seconds);
  const largest = steps[at];
  if (largest === undefined) return '0s';
  const count = Math.floor(passed / largest.seconds);
  const next = steps[at + 1];
  const rest = next === undefined ? 0 : Math.floor((passed % largest.seconds) / next.seconds);
  return `${count}${largest.unit}${next === undefined || rest === 0 ? '' : `${rest}${next.unit}`}`;
}
