import type { Authority } from './authority.ts';
import type { Element } from './element.ts';

/** Only who may act for the client's namespace may change or end its connection. */
export function authorize(authority: Authority): Element {
  return {
    name: 'authorize',
    request(request, at, next) {
      const { established, record, id } = at.held;
      // One that is new is nobody's yet.
      if (established || record.leftNetns) authority.mayChange(at.askedBy, record.leftNetns, id);
      return next(request);
    },
    async close(connection, at, next) {
      authority.mayChange(at.askedBy, at.held.record.leftNetns, at.held.id);
      await next(connection);
    },
  };
}
