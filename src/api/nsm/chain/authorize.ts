import type { Authority } from './authority.ts';
import type { Element } from './element.ts';

/** Only who may act for the client's namespace may change or end its connection. */
export function authorize(authority: Authority): Element {
  return {
    name: 'authorize',
    request(request, at, next) {
      if (at.held.established) authority.mayChange(at.askedBy, at.held.record.leftNetns, at.held.id);
      return next(request);
    },
    async close(connection, at, next) {
      authority.mayChange(at.askedBy, at.held.record.leftNetns, at.held.id);
      await next(connection);
    },
  };
}
