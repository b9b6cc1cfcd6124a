import { create } from '@bufbuild/protobuf';
import { Failure } from '../../features/failure.ts';
import { type LogLevels, type LogSetting, logLevels, subsystems } from '../../log-levels.ts';
import {
  type LogLevels as LevelsMessage,
  LogLevelsSchema,
  type SetLogLevelRequest,
} from './vwire/v1/vwire_pb.ts';

function known<W extends string>(field: string, words: readonly W[], value: string): W {
  const word = words.find((each) => each === value);
  if (word !== undefined) return word;
  const allowed = words.join(', ');
  throw new Failure('invalid', `${field} '${value}' is not known to this agent: allowed are ${allowed}`, {
    field,
    value,
    allowed,
  });
}

export function logSettingOf({ subsystem, level: said }: SetLogLevelRequest): LogSetting {
  const level = known('level', logLevels, said);
  if (subsystem === '') return { all: level, of: {} };
  return { all: null, of: { [known('subsystem', subsystems, subsystem)]: level } };
}

export const levelsMessage = (logs: LogLevels): LevelsMessage =>
  create(LogLevelsSchema, { levels: logs.levels() });
