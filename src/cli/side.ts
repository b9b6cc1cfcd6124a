import { Failure } from '../features/failure.ts';
import type { AskedSide } from '../api/admin/request.ts';

const keys = ['name', 'address', 'mac'] as const;
const shape = 'NETNS[,name=NAME][,address=CIDR]..[,mac=MAC]';

function wrong(field: string, value: string, what: string, allowed: string): Failure {
  return new Failure('invalid', `'--${field.split('.')[0] ?? ''} ${value}': ${what}`, {
    field,
    value,
    allowed,
  });
}

/**
 * Splits what `--left` or `--right` says. The values themselves are judged by the agent, so that every
 * client of it gets the same answer; here only the form can be wrong.
 */
export function sideOf(side: 'left' | 'right', typed: string): AskedSide {
  const [netns = '', ...pairs] = typed.split(',');
  if (netns === '' || /^(name|address|mac)=/.test(netns))
    throw wrong(`${side}.netns`, typed, `the namespace comes first: ${shape}`, shape);
  const spec = { netns, name: null as string | null, mac: null as string | null, addresses: [] as string[] };
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const key = keys.find((known) => known === pair.slice(0, Math.max(equals, 0)));
    if (key === undefined)
      throw wrong(side, typed, `'${pair}' is none of ${keys.join('=, ')}=`, `${keys.join('=, ')}=`);
    const value = pair.slice(equals + 1);
    if (value === '') throw wrong(`${side}.${key}`, typed, `'${key}=' has no value`, 'a value');
    if (key === 'address') spec.addresses.push(value);
    else if (spec[key] === null) spec[key] = value;
    else throw wrong(`${side}.${key}`, typed, `'${key}=' is given twice`, 'once');
  }
  return spec;
}
