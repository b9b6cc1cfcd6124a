import { Failure } from '../../../features/failure.ts';

/** Only the client chooses these: an interface's name and where it is to be. All else is as the endpoint answered. */
export const isCallersFault = (error: unknown): boolean =>
  error instanceof Failure && /^left\.(name|netns)$/.test(error.field ?? '');

const ip = 'connection.context.ip_context';
const ether = 'connection.context.ethernet_context';
const parameters = 'connection.mechanism.parameters';

/** What a wire's settings are called in the answer they came in. Routes and neighbours are not one to one. */
const names: readonly [RegExp, string][] = [
  [/^left\.addresses/, `${ip}.src_ip_addrs`],
  [/^right\.addresses/, `${ip}.dst_ip_addrs`],
  [/^left\.routes.*/, `${ip}.src_routes`],
  [/^right\.routes.*/, `${ip}.dst_routes`],
  [/^(left|right)\.neighbors.*/, `${ip}.ip_neighbors`],
  [/^left\.policies/, `${ip}.policies`],
  [/^left\.mac$/, `${ether}.src_mac`],
  [/^right\.mac$/, `${ether}.dst_mac`],
  [/^right\.name$/, `${parameters}['name']`],
  [/^right\.netns$/, `${parameters}['inodeURL']`],
  [/^mtu$/, 'connection.context.MTU'],
];

function answeredName(field: string): string {
  const [pattern, name] = names.find(([wire]) => wire.test(field)) ?? [];
  return pattern === undefined || name === undefined ? field : field.replace(pattern, name);
}

/**
 * What is wrong with an endpoint's answer, for the client: it is not the client's to mend, nor was the client denied
 * anything. What is not about the answer stays as it is.
 */
export function aboutAnswer(error: unknown, endpoint: string): unknown {
  if (!(error instanceof Failure) || error.field === null || isCallersFault(error)) return error;
  const { code, field, value, allowed, message } = error;
  const name = answeredName(field);
  if (!name.startsWith('connection.')) return error;
  return new Failure(
    code === 'invalid' || code === 'denied' ? 'failed' : code,
    `Endpoint '${endpoint}' answered what cannot be carried out: ${message.replace(field, name)}`,
    {
      field: name,
      ...(value !== null && { value }),
      ...(allowed !== null && { allowed }),
      cause: error,
    },
  );
}
