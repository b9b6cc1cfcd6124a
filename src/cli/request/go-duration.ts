import { Failure } from '../../features/failure.ts';

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const allowed = "a duration of Go such as '750ms', '15s' or '1h30m'";

/** Milliseconds of what Go's ParseDuration takes; below none it is refused. `name` is the variable's. */
export function goDurationOf(name: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy)];
  const length = parts.reduce((sum, [part]) => sum + part.length, 0);
  if (text === '0') return 0;
  if (parts.length > 0 && length === text.length)
    return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0);
  throw new Failure('invalid', `${name} is '${text}': it takes ${allowed}`, {
    field: name,
    value: text,
    allowed,
  });
}
