import { BpfError, type Feature } from './error.ts';
import { EPERM } from './errno.ts';
import { featureIn, missingMapType } from './features.ts';
import type { BpfObject } from './object.ts';
import { findLog, summarise } from './verifier.ts';

function verifierDetail(log: string): string {
  const { lines, hidden } = summarise(log);
  const more = hidden > 0 ? `\n  (${hidden} more lines of the verifier hidden)` : '';
  return `${lines.map((line) => `\n  ${line}`).join('')}${more}`;
}

/** A map the kernel would not create: its type may be what is missing. */
function refusedMap(object: BpfObject, said: string): { name: string; feature: Feature | null } | null {
  const name = /map '([^']+)': failed to create/.exec(said)?.[1];
  if (name === undefined) return null;
  return { name, feature: missingMapType(object.map(name).type) };
}

/** Turns libbpf's words about a failed load into one error that says what, why and what is missing. */
export function loadError(object: BpfObject, errno: number, messages: readonly string[]): BpfError {
  const said = messages.join('\n');
  const op = 'Load';
  const rejected = findLog(messages);
  if (rejected) {
    const what = `program '${rejected.program}' of ${object.what}`;
    const { log } = rejected;
    return new BpfError({
      op,
      object: what,
      errno,
      feature: featureIn(log),
      detail: verifierDetail(log),
      log,
    });
  }
  const map = refusedMap(object, said);
  if (map) {
    const what = `map '${map.name}' of ${object.what}`;
    return new BpfError({ op, object: what, errno, feature: map.feature, log: said });
  }
  const program = /prog '([^']+)': /.exec(said)?.[1];
  const what = program === undefined ? object.what : `program '${program}' of ${object.what}`;
  const feature = featureIn(said);
  const last =
    messages.findLast((m) => !m.includes('failed to load object'))?.replace(/^libbpf: /, '') ?? null;
  const detail = errno === -EPERM ? 'it takes root, or CAP_BPF with CAP_NET_ADMIN and CAP_PERFMON' : last;
  return new BpfError({ op, object: what, errno, feature, detail: feature ? null : detail, log: said });
}
