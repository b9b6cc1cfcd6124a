/** What of a verifier log is worth showing at once. */
export interface VerifierSummary {
  readonly lines: readonly string[];
  readonly hidden: number;
}

// Statistics come last and say nothing about the reason; states of registers say it only to an expert.
const noise = [
  /^processed \d+ insns/,
  /^(verification time|stack depth|mark_precise:)/,
  /^(from )?\d+( to \d+)?: (safe|R\d+)/,
  /^(arg#\d+ )?reg type unsupported/,
  /^func#\d+ @\d+$/,
  /^;? ?R\d+(_w)?=/,
  /^\s*$/,
];

/** The last `show` meaningful lines, in order, and how many lines of the log they leave out. */
export function summarise(log: string, show = 3): VerifierSummary {
  const all = log.split('\n').filter((line) => line !== '');
  const meaningful = all.filter((line) => !noise.some((pattern) => pattern.test(line)));
  const lines = meaningful.slice(-show);
  return { lines, hidden: all.length - lines.length };
}

/** The verifier log in what libbpf printed during a load, and the program it is about; null if there is none. */
export function findLog(messages: readonly string[]): { program: string; log: string } | null {
  for (const message of messages.toReversed()) {
    const found =
      /prog '([^']+)': -- BEGIN PROG LOAD LOG --\n([\s\S]*?)(?:\n?-- END PROG LOAD LOG --|$)/.exec(message);
    if (found) return { program: found[1] ?? '', log: found[2] ?? '' };
  }
  return null;
}
