import { Failure } from '../features/failure.ts';

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const allowed = 'a number with ms, s, m or h, such as 500ms or 30s, at most 24h';

/** Milliseconds of `500ms`, `30s`, `2m`, `1h`; a bare number is seconds. */
export function durationOf(flag: string, typed: string): number {
  const match = /^(\d{1,8}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(typed);
  const unit = (['ms', 's', 'm', 'h'] as const).find((known) => known === (match?.[2] ?? 's')) ?? 's';
  const ms = match === null ? Number.NaN : Math.round(Number(match[1]) * units[unit]);
  if (!(ms <= 24 * units.h))
    throw new Failure('invalid', `'--${flag} ${typed}' is not a duration: it takes ${allowed}`, {
      field: flag,
      value: typed,
      allowed,
    });
  return ms;
}
