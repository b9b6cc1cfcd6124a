import { Failure } from '../features/failure.ts';
import type { WireName } from '../features/wire/api.ts';
import type { Positional } from './shell/verb.ts';

/** How a verb's NAME is read: all digits is a wire's id, anything else the name of a connection or a wire. */
export function wireNameOf(typed: string): WireName {
  if (!/^\d+$/.test(typed)) return { connection: typed };
  const id = Number(typed);
  const allowed = 'a wire id up to 4294967295, or a connection name';
  if (id <= 0xffffffff) return { id };
  throw new Failure('invalid', `'${typed}' names no wire: it takes ${allowed}`, {
    field: 'name',
    value: typed,
    allowed,
  });
}

/** What `inspect` and `explain` take. */
export const oneStory: Positional = {
  name: 'NAME',
  summary: "A connection's id, the agent's or its client's; or a wire's id, which is all digits, or its name",
  many: false,
  optional: false,
  completes: 'connection',
};

export const oneWire: Positional = {
  name: 'NAME',
  summary: 'The id of a wire or the name of its connection; all digits is an id',
  many: false,
  optional: false,
  completes: 'wire',
};
