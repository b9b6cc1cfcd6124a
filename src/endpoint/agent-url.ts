import { agentUrl } from '../client/agent.ts';
import { Failure } from '../features/failure.ts';

const allowed = 'unix:///PATH';

/**
 * Where the agent is: `given`, NSM_CONNECT_TO or the default instance's socket. Throws Failure of what is no unix
 * socket: over tcp an agent can be shown neither the socket that it is to ask nor the namespace that is answered with.
 */
export function agentSocketOf(given: string | undefined): string {
  const url = agentUrl(given);
  if (/^unix:\/\/\/[^\0]*$/.test(url)) return url;
  const field = given === undefined ? 'NSM_CONNECT_TO' : 'agent';
  const why = url.startsWith('tcp:')
    ? ", and over tcp an endpoint can show neither its socket's descriptor nor its namespace's"
    : '';
  throw new Failure('invalid', `${field} is '${url}'${why}: allowed is ${allowed}`, {
    field,
    value: url,
    allowed,
  });
}
