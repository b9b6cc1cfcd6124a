import type { Logger } from 'pino';

/** The parts of an agent whose logs are turned up and down by themselves. */
export const subsystems = ['agent', 'admin', 'nsm', 'registry', 'wire', 'libbpf'] as const;
export type Subsystem = (typeof subsystems)[number];

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What `info,nsm=debug` says: one level for all that are not named, null for none. */
export interface LogSetting {
  readonly all: LogLevel | null;
  readonly of: Readonly<Partial<Record<Subsystem, LogLevel>>>;
}

/**
 * The agent's loggers, one for each subsystem, with `subsystem` in every line. Levels change while it runs.
 * A child of one of them keeps the level it was born with, as pino has it: what lives long logs through the
 * subsystem's own logger and names its connection in each line.
 */
export class LogLevels {
  readonly #loggers: Readonly<Record<Subsystem, Logger>>;
  readonly #listeners = new Set<() => void>();

  constructor(root: Logger, setting: LogSetting) {
    const born = (subsystem: Subsystem): Logger => root.child({ subsystem });
    this.#loggers = {
      agent: born('agent'),
      admin: born('admin'),
      nsm: born('nsm'),
      registry: born('registry'),
      wire: born('wire'),
      libbpf: born('libbpf'),
    };
    this.set(setting);
  }

  of(subsystem: Subsystem): Logger {
    return this.#loggers[subsystem];
  }

  set({ all, of }: LogSetting): void {
    for (const subsystem of subsystems) {
      const level = of[subsystem] ?? all;
      if (level !== null) this.#loggers[subsystem].level = level;
    }
    for (const listener of this.#listeners) listener();
  }

  levels(): Record<Subsystem, LogLevel> {
    const levelOf = (subsystem: Subsystem): LogLevel =>
      logLevels.find((known) => known === this.#loggers[subsystem].level) ?? 'info';
    return {
      agent: levelOf('agent'),
      admin: levelOf('admin'),
      nsm: levelOf('nsm'),
      registry: levelOf('registry'),
      wire: levelOf('wire'),
      libbpf: levelOf('libbpf'),
    };
  }

  /** Calls back after each change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
