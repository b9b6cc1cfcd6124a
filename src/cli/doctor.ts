import { doctorJson } from './output/json.ts';
import { type Tone, printable, toned } from './output/style.ts';
import { exitCodes } from './shell/exit.ts';
import type { Terminal } from './shell/io.ts';
import type { Finding } from './shell/sources.ts';
import type { Verb } from './shell/verb.ts';

const tones: Readonly<Record<Finding['status'], Tone>> = { ok: 'good', warning: 'warning', failure: 'bad' };

function findingText({ name, status, detail, remedy }: Finding, terminal: Terminal): string {
  const head = `${toned(status.padEnd(7), tones[status], terminal)}  ${printable(name)}: ${printable(detail)}\n`;
  return remedy === null ? head : `${head}         -> ${printable(remedy)}\n`;
}

export const doctor: Verb = {
  details: 'Exits with 0 if all is well, 10 if there are warnings, 11 if something will not work.',
  positionals: [],
  flags: [],
  run: async ({ settings, io, sources }) => {
    const findings: Finding[] = [];
    for await (const finding of sources.doctor(settings)) {
      findings.push(finding);
      if (!settings.json) io.out(findingText(finding, io.terminal));
    }
    if (settings.json) io.out(doctorJson(findings));
    if (findings.some(({ status }) => status === 'failure')) return exitCodes.doctor_failures;
    return findings.some(({ status }) => status === 'warning') ? exitCodes.doctor_warnings : exitCodes.ok;
  },
};
