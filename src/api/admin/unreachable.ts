import { Failure } from '../../features/failure.ts';
import { Unreachable } from '../unreachable.ts';
import { probe } from './probe.ts';

/** Asks the kernel, after a call has failed, what is wrong with the socket. */
export async function whyUnreachable(
  socketPath: string,
  instance: string,
  details: string,
): Promise<Unreachable | Failure> {
  const start = instance === 'default' ? 'vwire agent' : `vwire agent --instance ${instance}`;
  const answer = await probe(socketPath);
  switch (answer) {
    case 'open':
      return new Unreachable(`The agent on '${socketPath}' ended the call: ${details}`, socketPath);
    case 'ENOENT':
      return new Unreachable(
        `No agent runs for instance '${instance}': there is no socket '${socketPath}'; start one with '${start}'`,
        socketPath,
      );
    case 'ECONNREFUSED':
      return new Unreachable(
        `No agent runs for instance '${instance}': socket '${socketPath}' was left by one that died; start one with '${start}'`,
        socketPath,
      );
    case 'EACCES':
    case 'EPERM':
      return new Failure(
        'unsupported',
        `Not permitted to use socket '${socketPath}' (${answer}): run as root`,
      );
    default:
      return new Unreachable(`Cannot connect to socket '${socketPath}': ${answer}`, socketPath);
  }
}
