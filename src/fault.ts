/**
 * Fault points, for tests of what a crash or a failure leaves behind. VWIRE_FAULT='POINT:kill' ends the process
 * there as SIGKILL would, 'POINT:throw' fails there; ':N' behind it means only the Nth time. Unset, which is always
 * but in tests, a point costs one comparison.
 */
interface Armed {
  readonly point: string;
  readonly effect: string;
  /** How often it is passed before it acts; null acts every time. */
  left: number | null;
}

function parse(setting: string): Armed | null {
  const [, point, effect, count] = /^(.+):(kill|throw)(?::(\d+))?$/.exec(setting) ?? [];
  if (point === undefined || effect === undefined) return null;
  return { point, effect, left: count === undefined ? null : Number(count) - 1 };
}

let armed = parse(process.env.VWIRE_FAULT ?? '');

/** As VWIRE_FAULT says it, for tests whose agent runs in their own process; empty is none. */
export function armFault(setting: string): void {
  armed = parse(setting);
}

/** The point is called as its words, with a space between them. */
export function faultAt(...words: readonly [string, string?, string?]): void {
  if (armed === null) return;
  const here = words.join(' ');
  if (armed.point !== here) return;
  if (armed.left !== null && armed.left-- !== 0) return;
  if (armed.effect === 'kill') process.kill(process.pid, 'SIGKILL');
  throw new Error(`Fault point '${here}'`);
}
