import { connectionOf } from '../connections/record.ts';
import { type Authority, mechanismsOf } from './authority.ts';
import type { Element } from './element.ts';

/** Only who may act for the client's namespace may change or end its connection. */
export function authorize(authority: Authority): Element {
  return {
    name: 'authorize',
    async request(request, at, next) {
      const { askedBy, held, signal } = at;
      const mechanisms = mechanismsOf(connectionOf(request), request.mechanismPreferences);
      // One that is new is nobody's yet.
      if (held.established || held.record.leftNetns)
        await authority.refuseOthers(askedBy, held, { mechanisms, signal });
      const reply = await next(request);
      authority.remember(askedBy, held);
      return reply;
    },
    async close(connection, at, next) {
      const { askedBy, held, signal } = at;
      await authority.refuseOthers(askedBy, held, { mechanisms: mechanismsOf(connection), signal });
      await next(connection);
    },
  };
}
