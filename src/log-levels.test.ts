import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { LogLevels, subsystems } from './log-levels.ts';

const lines: Record<string, unknown>[] = [];
const root = pino(
  { base: null, timestamp: false },
  {
    write: (line: string) => {
      lines.push(JSON.parse(line) as Record<string, unknown>);
    },
  },
);

/** Which subsystems say something at a level. */
function heard(logs: LogLevels, level: 'debug' | 'info' | 'fatal'): string[] {
  lines.length = 0;
  for (const subsystem of subsystems) logs.of(subsystem)[level]('x');
  return lines.map(({ subsystem }) => String(subsystem));
}

test('one level for all but those that are named, changed while it runs', () => {
  const logs = new LogLevels(root, { all: 'info', of: { nsm: 'debug', libbpf: 'silent' } });
  expect(heard(logs, 'debug')).toEqual(['nsm']);
  expect(heard(logs, 'info')).toEqual(['agent', 'admin', 'nsm', 'registry', 'wire']);

  const changes: string[] = [];
  const unsubscribe = logs.subscribe(() => changes.push(logs.levels().wire));
  logs.set({ all: null, of: { wire: 'trace' } });
  expect(heard(logs, 'debug')).toEqual(['nsm', 'wire']);
  expect(logs.levels()).toEqual({
    agent: 'info',
    admin: 'info',
    nsm: 'debug',
    registry: 'info',
    wire: 'trace',
    libbpf: 'silent',
  });

  logs.set({ all: 'silent', of: {} });
  expect(heard(logs, 'fatal')).toEqual([]);
  unsubscribe();
  logs.set({ all: 'fatal', of: {} });
  expect(heard(logs, 'fatal')).toEqual([...subsystems]);
  expect(changes).toEqual(['trace', 'silent']);
});

test('a logger handed out once follows every change', () => {
  const logs = new LogLevels(root, { all: 'warn', of: {} });
  const nsm = logs.of('nsm');
  lines.length = 0;
  nsm.debug('unheard');
  logs.set({ all: null, of: { nsm: 'debug' } });
  nsm.debug({ conn: 'one' }, 'heard');
  expect(lines).toEqual([{ level: 20, subsystem: 'nsm', conn: 'one', msg: 'heard' }]);
});
