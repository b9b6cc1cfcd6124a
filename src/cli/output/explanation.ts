import type { Terminal } from '../shell/io.ts';
import type { Explanation } from '../shell/sources.ts';
import { printable, toned } from './style.ts';
import { connectionText } from './connection.ts';
import { hopsText, wireHeadText } from './wire.ts';

function stepsText(explanation: Explanation, terminal: Terminal): string {
  const lines = explanation.steps.map(({ title, detail, ok }, at) => {
    const mark = ok ? toned('ok  ', 'good', terminal) : toned('FAIL', 'bad', terminal);
    const number = String(at + 1).padStart(2);
    return `  ${number}  ${mark}  ${printable(title)}\n          ${printable(detail)}\n`;
  });
  return `${toned(explanation.connection === null ? 'What happens to a frame' : 'From the request to the last hop', 'strong', terminal)}\n${lines.join('')}`;
}

export function errorsText(
  { errors }: { errors: readonly { at: string; message: string }[] },
  terminal: Terminal,
): string {
  const title = toned('Errors', 'strong', terminal);
  if (errors.length === 0) return `${title}\n  none\n`;
  const lines = errors.map(
    ({ at, message }) =>
      `  ${toned(printable(at), 'faint', terminal)}  ${toned(printable(message), 'bad', terminal)}\n`,
  );
  return `${title}\n${lines.join('')}`;
}

/** The whole story of a connection and its wire: what they are, why each hop goes as it does, what was checked, what broke. */
export const explanationText = (explanation: Explanation, now: Date, terminal: Terminal): string =>
  [
    ...(explanation.connection === null ? [] : [connectionText(explanation.connection, now, terminal)]),
    ...(explanation.wire === null
      ? []
      : [wireHeadText(explanation.wire, now, terminal), hopsText(explanation.wire, terminal)]),
    stepsText(explanation, terminal),
    errorsText(explanation, terminal),
  ].join('\n');
