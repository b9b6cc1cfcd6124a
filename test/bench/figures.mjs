// Figures of one run, each with what it is to stay below.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeMachine, machineLine } from './machine.mjs';
import { figure, table } from './report.mjs';

const verdicts = new Map([
  [true, 'yes'],
  [false, 'NO'],
  [null, ''],
]);

export class Figures {
  #line;
  #facts;
  #figures = [];

  /** `about` says what was set up, in the run's first line and on the saved page. */
  constructor(about, facts) {
    const { machine, kernel } = describeMachine();
    this.#facts = { machine, kernel, ...facts };
    this.#line = machineLine(about);
    console.log(`${this.#line}\n`);
  }

  /** `limit` is what is to be stayed below, null where a figure is only reported. */
  report(name, unit, value, limit = null) {
    const met = limit === null ? null : value < limit;
    this.#figures.push({ name, unit, value, limit, met });
    const verdict = met === null ? '' : `  (below ${limit}: ${verdicts.get(met)})`;
    console.log(`${name.padEnd(58)} ${figure(value)} ${unit}${verdict}`);
  }

  /** Keeps them as JSON in `json`, and as a page in docs/bench under `page`, where these are not null. */
  keep({ title, said, json, page }) {
    const { machine, kernel, ...rest } = this.#facts;
    if (json !== null)
      writeFileSync(
        json,
        `${JSON.stringify({ machine, kernel, ...rest, figures: this.#figures }, null, 2)}\n`,
      );
    if (page === null) return;
    const rows = this.#figures.map(({ name, unit, value, limit, met }) => [
      name,
      `${figure(value)} ${unit}`,
      limit === null ? '' : `${limit} ${unit}`,
      verdicts.get(met),
    ]);
    const text = [`# ${title}`, this.#line, said, table(['figure', 'measured', 'below', 'reached'], rows)];
    writeFileSync(
      fileURLToPath(new URL(`../../docs/bench/${page}.md`, import.meta.url)),
      `${text.join('\n\n')}\n`,
    );
    console.log(`\nSaved to docs/bench/${page}.md`);
  }
}
