import { styleText } from 'node:util';
import type { WireState } from '../../features/wire/api.ts';
import type { Terminal } from '../shell/io.ts';

export type Tone = 'plain' | 'strong' | 'faint' | 'good' | 'warning' | 'bad';

const formats = {
  strong: 'bold',
  faint: 'dim',
  good: 'green',
  warning: 'yellow',
  bad: 'red',
} as const;

export const toneOfState: Readonly<Record<WireState, Tone>> = {
  opening: 'warning',
  open: 'good',
  closing: 'warning',
  down: 'bad',
  orphan: 'warning',
};

/**
 * Names come from callers of the agent, so they may hold anything. Control characters, and those that
 * turn the direction of writing, are shown and not sent: a terminal would obey them.
 */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (found) => `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`);

export function toned(text: string, tone: Tone, { colour }: Terminal): string {
  if (!colour || tone === 'plain') return text;
  // The caller has decided from the stream and from NO_COLOR; the builtin would look at stdout again.
  return styleText(formats[tone], text, { validateStream: false });
}
