import { Failure } from '../features/failure.ts';
import { texts } from './shell/verb.ts';

export const labelFlag = texts('label', 'KEY=VALUE', 'A label; may be given more than once');

/** Reads what `--label` says, one KEY=VALUE each; a value may be empty. */
export function labelsOf(typed: readonly string[]): Record<string, string> {
  const labels = new Map<string, string>();
  const allowed = 'KEY=VALUE, each key once';
  for (const text of typed) {
    const equals = text.indexOf('=');
    const key = text.slice(0, Math.max(equals, 0));
    const wrong =
      equals < 0
        ? 'it has no ='
        : key === ''
          ? 'it has no key'
          : labels.has(key)
            ? `'${key}' is given twice`
            : null;
    if (wrong !== null)
      throw new Failure('invalid', `'--label ${text}': ${wrong}: it takes ${allowed}`, {
        field: 'label',
        value: text,
        allowed,
      });
    labels.set(key, text.slice(equals + 1));
  }
  return Object.fromEntries(labels);
}
