import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { connectUnix } from '../net/unix/connect.ts';
import type { Peer } from '../net/unix/peer.ts';
import { NetError } from '../net/error.ts';
import { type Finding, ok, warning } from './finding.ts';

const socketName = 'workload socket';
const agentName = 'agent';

const octal = ({ mode }: Stats): string => `0${(mode & 0o777).toString(8)}`;

/** A folder that is mounted into pods, which have users of their own and shall see nothing else in it. */
function folderFindings(folder: string): Finding[] {
  const found = lstatSync(folder);
  const strangers = readdirSync(folder).filter((name) => !name.startsWith('agent.sock'));
  return [
    ...((found.mode & 0o005) === 0o005
      ? []
      : [
          warning(
            socketName,
            `'${folder}' has mode ${octal(found)}: users of pods cannot look into it`,
            `chmod 755 ${folder}`,
          ),
        ]),
    ...(strangers.length === 0
      ? []
      : [
          warning(
            socketName,
            `'${folder}' also has ${strangers.join(', ')}: pods that have it mounted see that too`,
            'Keep nothing but the socket there',
          ),
        ]),
  ];
}

/** Inode of the first pid namespace of a machine, PROC_PID_INIT_INO, the same on every Linux. */
const firstPidNamespace = 'pid:[4026531836]';

/** An agent tells its callers apart, and pods from the machine, by processes it sees. */
function agentFinding({ pid, uid }: Pick<Peer, 'pid' | 'uid'>): Finding {
  if (pid === 0)
    return warning(
      agentName,
      'it runs where its process cannot be seen from here',
      'Run this doctor in the pid namespace of the machine',
    );
  const who = `pid ${pid}, uid ${uid}`;
  let namespace: string;
  try {
    namespace = readlinkSync(`/proc/${pid}/ns/pid`);
  } catch (error) {
    return warning(agentName, `${who}: it cannot be looked at (${(error as Error).message})`, 'Run as root');
  }
  return namespace === firstPidNamespace
    ? ok(agentName, `${who}, in the pid namespace of the machine: it sees who asks`)
    : warning(
        agentName,
        `${who}, in a pid namespace of its own: it cannot see the processes of pods, so that they may ask for no namespace but by a descriptor`,
        'Run it in the pid namespace of the machine (hostPID: true)',
      );
}

async function listenerFindings(path: string): Promise<Finding[]> {
  try {
    const stream = await connectUnix(path, AbortSignal.timeout(2_000));
    const { pid, uid } = stream.peer;
    stream.destroy();
    return [ok(socketName, `'${path}' is answered`), agentFinding({ pid, uid })];
  } catch (error) {
    if (error instanceof NetError && error.code === 'ECONNREFUSED')
      return [
        warning(
          socketName,
          `'${path}' is answered by nobody: its agent died`,
          'Start an agent of this instance',
        ),
      ];
    return [warning(socketName, `'${path}' cannot be tried: ${(error as Error).message}`, 'Run as root')];
  }
}

/** Whether workloads can ask: the socket, its folder, who listens, and whether that one sees who asks. */
export async function workloadFindings(instanceDirectory: string): Promise<Finding[]> {
  const path = join(instanceDirectory, 'workload', 'agent.sock');
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [ok(socketName, `no '${path}': no agent runs, or it listens elsewhere`)];
  if (!found.isSocket())
    return [warning(socketName, `'${path}' is no socket`, 'Remove it and start the agent again')];
  return [
    ...((found.mode & 0o666) === 0o666
      ? []
      : [
          warning(
            socketName,
            `'${path}' has mode ${octal(found)}: not everybody may ask`,
            'Start the agent again, which makes it 0666',
          ),
        ]),
    ...folderFindings(dirname(path)),
    ...(await listenerFindings(path)),
  ];
}
