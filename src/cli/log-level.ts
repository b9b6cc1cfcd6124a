import { logSettingOf } from './log-setting.ts';
import { logLevelsJson } from './output/json.ts';
import { cell, tableText } from './output/table.ts';
import { timeoutFlag, withAgent } from './shell/agent-client.ts';
import { exitCodes } from './shell/exit.ts';
import type { Verb } from './shell/verb.ts';
import { logLevels, subsystems } from '../log-levels.ts';

export const logLevel: Verb = {
  details:
    `Levels are ${logLevels.join(', ')}; subsystems are ${subsystems.join(', ')}. A bare LEVEL is for all of them ` +
    'that are not named. Until the agent ends.\n\nvwire log-level info nsm=debug',
  positionals: [
    {
      name: '[SUBSYSTEM=]LEVEL',
      summary: 'What to log from now on; without any, the levels are shown',
      many: true,
      optional: true,
      completes: [
        ...logLevels,
        ...subsystems.flatMap((subsystem) => logLevels.map((level) => `${subsystem}=${level}`)),
      ],
    },
  ],
  flags: [timeoutFlag],
  run: async (context) => {
    const { given, settings, io } = context;
    const words = given.positionals.join(',');
    const setting = words === '' ? { all: null, of: {} } : logSettingOf(words, 'level', `log-level ${words}`);
    const levels = await withAgent(context, async (client) => {
      if (setting.all !== null) await client.setLogLevel(null, setting.all);
      for (const [subsystem, level] of Object.entries(setting.of)) await client.setLogLevel(subsystem, level);
      return client.logLevels();
    });
    const rows = Object.entries(levels).map(([subsystem, level]) => [cell(subsystem), cell(level)]);
    io.out(
      settings.json ? logLevelsJson(levels) : await tableText(['SUBSYSTEM', 'LEVEL'], rows, io.terminal),
    );
    return exitCodes.ok;
  },
};
