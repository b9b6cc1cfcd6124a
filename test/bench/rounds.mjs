// Turns: every subject once per measurement and round (A B C, A B C, ...), each set up for its turn alone
// and removed after it, so that nobody is measured beside another's processes.
import { settle } from './traffic.mjs';

/** What went wrong first is what is told: a failed `up` makes `down` fail too. */
async function turn(subject, measurement, ms) {
  let failure = null;
  let values = null;
  try {
    await subject.up();
    await settle(subject.name).catch((error) => {
      const said = subject.said?.() ?? null;
      throw said === null ? error : new Error(`${error.message}: ${said}`, { cause: error });
    });
    values = await measurement.measure(ms);
  } catch (error) {
    failure = error;
  }
  await subject.down().catch((error) => (failure ??= error));
  if (failure !== null) throw failure;
  return values;
}

/**
 * Returns the samples: work -> subject -> one {value, cpu} or null (it failed) per round. `progress` hears
 * every turn, `failed` every turn that threw; a subject that failed twice gets no further turns.
 */
export async function playRounds({ subjects, measurements, rounds, ms, progress, failed }) {
  const samples = new Map();
  const failures = new Map();
  for (const { work } of measurements.flatMap(({ works }) => works))
    samples.set(work, new Map(subjects.map(({ name }) => [name, []])));
  for (let round = 0; round < rounds; round++)
    for (const measurement of measurements)
      for (const subject of subjects) {
        const names = measurement.works.map(({ work }) => work);
        progress({ round, work: names[0], subject: subject.name });
        let values = names.map(() => null);
        if ((failures.get(subject.name) ?? 0) < 2) {
          try {
            values = await turn(subject, measurement, ms);
          } catch (error) {
            failures.set(subject.name, (failures.get(subject.name) ?? 0) + 1);
            failed({ round, work: names[0], subject: subject.name, message: error.message });
          }
        }
        names.forEach((name, i) => samples.get(name).get(subject.name).push(values[i]));
      }
  return samples;
}
