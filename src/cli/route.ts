import type { RouteSpec } from '../features/connection/api.ts';
import { Failure } from '../features/failure.ts';

export const routeForm = 'PREFIX[,via=ADDRESS]';

/** Splits what `--route` says; whether prefix and address are right is the agent's to say. */
export function routeOf(typed: string): RouteSpec {
  const [prefix = '', via, ...more] = typed.split(',');
  const wrong = prefix === '' || more.length > 0 || (via !== undefined && !/^via=./.test(via));
  if (!wrong) return { prefix, via: via === undefined ? null : via.slice('via='.length) };
  throw new Failure('invalid', `'--route ${typed}' is not a route: it takes ${routeForm}`, {
    field: 'route',
    value: typed,
    allowed: routeForm,
  });
}
