import { Failure } from '../features/failure.ts';
import { type LogLevel, type LogSetting, type Subsystem, logLevels, subsystems } from '../log-levels.ts';

/**
 * Reads `info,nsm=debug`: a bare level is for all that are not named, wherever it stands. Messages
 * begin with `shown`.
 */
export function logSettingOf(typed: string, field: string, shown: string): LogSetting {
  const wrong = (value: string, what: string, allowed: string): Failure =>
    new Failure('invalid', `'${shown}': ${what}: allowed are ${allowed}`, { field, value, allowed });
  const levelOf = (word: string): LogLevel => {
    const level = logLevels.find((known) => known === word);
    if (level !== undefined) return level;
    throw wrong(word, `level '${word}' is not known`, logLevels.join(', '));
  };
  let all: LogLevel | null = null;
  const of: Partial<Record<Subsystem, LogLevel>> = {};
  for (const part of typed.split(',')) {
    const [name, level, ...more] = part.split('=');
    if (name === undefined || level === undefined) {
      if (all !== null) throw wrong(part, 'two levels are for everything', 'one LEVEL and SUBSYSTEM=LEVEL');
      all = levelOf(part);
      continue;
    }
    const subsystem = subsystems.find((known) => known === name);
    if (subsystem === undefined || more.length > 0)
      throw wrong(part, `'${part}' is not SUBSYSTEM=LEVEL`, `the subsystems ${subsystems.join(', ')}`);
    if (of[subsystem] !== undefined)
      throw wrong(part, `'${subsystem}' is given twice`, 'each subsystem once');
    of[subsystem] = levelOf(level);
  }
  return { all, of };
}
