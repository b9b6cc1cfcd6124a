import { maxLabelValue } from './limits.ts';

export type Labels = Readonly<Record<string, string>>;

/** Null where there is none; a label may be called `constructor`. */
export const labelOf = (labels: Labels, key: string): string | null =>
  Object.hasOwn(labels, key) ? (labels[key] ?? null) : null;

/**
 * One action of Go's text/template, from where it begins: `{{ .name }}` or `{{ index . "name" }}`. Go's names are
 * letters, digits and underscores; a first digit makes it a number. Escapes in the quotes are not taken.
 */
const action =
  /\{\{[ \t\r\n]*(?:\.((?![0-9])[\p{L}\p{Nd}_]+)|index[ \t\r\n]+\.[ \t\r\n]+"([^"\\\n]*)")[ \t\r\n]*\}\}/uy;

/**
 * `text` with its actions replaced by labels. A label that there is none of reads `<no value>` by `.name` and empty
 * by `index`, as in Go. Text with any other action, and what would grow longer than a label can be, stays as it is:
 * it then equals no label but its own text.
 */
export function expand(text: string, labels: Labels): string {
  let result = '';
  let at = 0;
  for (let open = text.indexOf('{{'); open !== -1; open = text.indexOf('{{', at)) {
    action.lastIndex = open;
    const found = action.exec(text);
    if (found === null) return text;
    const [all, field, key] = found;
    result += text.slice(at, open);
    result +=
      field === undefined ? (labelOf(labels, key ?? '') ?? '') : (labelOf(labels, field) ?? '<no value>');
    if (result.length > maxLabelValue) return text;
    at = open + all.length;
  }
  return result + text.slice(at);
}
