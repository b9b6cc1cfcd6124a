// A request, a refresh, a change or a close that fails anywhere in the agent:
//
//   updatepath > begin > updatetoken > ... > wire > connect      in, and out again
//   file opening | endpoint asked | wire: create, join, up, ... | file open      and back
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import { armFault } from '../../src/fault.ts';
import type { Connection } from '../../src/api/nsm/proto/connection_pb.ts';
import { failOnLeakedFds, openFds } from '../fds.ts';
import { eventually, Pods, run } from '../pods.ts';
import { Node } from '../wire/node.ts';
import { Asker } from './asker.ts';
import { gatewayIn } from './gateway.ts';
import { chainPoints, closePoints, filePoints, isAnswered, openingPoints, releasePoints } from './points.ts';
import { known, nothingRemains, remains } from './remains.ts';

jest.setTimeout(30_000);

const pods = new Pods();
const node = new Node();
const [client, server] = [pods.make('client'), pods.make('server')];
const made = [client, server];
let agent: Agent;
let asker: Asker;
let before: number;

beforeAll(async () => {
  agent = await node.start();
  await agent.endpoints?.add(gatewayIn(server));
  // What is opened when it is first needed stays.
  asker = new Asker(agent.urls[0] ?? '');
  await asker.close(await request());
  asker.dispose();
});
beforeEach(() => {
  before = openFds().size;
  asker = new Asker(agent.urls[0] ?? '');
});
afterEach(async () => {
  armFault('');
  asker.dispose();
  expect(remains(node, made)).toEqual(nothingRemains);
  expect(known(agent)).toEqual({ connections: [], wires: [], addresses: [0, 0] });
  await eventually(() => {
    expect(openFds().size).toBeLessThanOrEqual(before);
  });
});
afterAll(async () => {
  await node.close();
  pods.close();
});
failOnLeakedFds();

/** The same request each time, as of a client that has not heard an answer. */
const request = (): Promise<Connection> =>
  asker.request(client, 'web', 'nsm-1', { id: 'c', path: { pathSegments: [{ name: 'asker', id: 'c' }] } });

const talks = (): string => pods.exec(client, 'ping', '-n', '-c', '1', '-W', '3', '172.16.1.0');

const failure = (point: string) => ({
  code: 'failed',
  message: expect.stringContaining(`Fault point '${point}'`),
});

describe('a request that fails once', () => {
  test.each([...chainPoints, ...filePoints, ...openingPoints])(
    "at '%s' has left nothing, and succeeds when made again",
    async (point) => {
      armFault(`${point}:throw:1`);
      await expect(request()).rejects.toMatchObject(failure(point));
      const [stands = null] = agent.connections?.list() ?? [];
      if (isAnswered(point)) {
        expect(stands).toMatchObject({ state: 'up' });
      } else {
        expect(remains(node, made)).toEqual(nothingRemains);
        expect(known(agent)).toEqual({ connections: [], wires: [], addresses: [0, 0] });
      }
      const connection = await request();
      if (stands) expect(connection.path?.pathSegments[1]?.id).toBe(stands.id);
      expect(agent.wires.list()).toHaveLength(1);
      talks();
      await asker.close(connection);
    },
  );

  test.each(filePoints)("at '%s' each time, as where a disk is full, leaves nothing", async (point) => {
    armFault(`${point}:throw`);
    await expect(request()).rejects.toMatchObject(failure(point));
  });
});

describe('a refresh, and a change of the endpoint, that fail once', () => {
  let changes = 0;

  test.each([...chainPoints, 'write connection open'])(
    "at '%s' leave what stood, and the next one succeeds",
    async (point) => {
      const connection = await request();
      const [before] = agent.connections?.list() ?? [];
      const stands = { id: before?.id, wire: before?.wire, state: 'up' };
      armFault(`${point}:throw:1`);
      await expect(asker.refresh(client, connection)).rejects.toMatchObject(failure(point));
      expect(agent.connections?.list()).toMatchObject([stands]);

      const prefix = `10.97.${++changes}.0/24`;
      armFault(`${point}:throw:1`);
      await agent.endpoints?.update('gateway', { mtu: null, pools: null, routes: [{ prefix, via: null }] });
      expect(agent.connections?.list()).toMatchObject([stands]);
      talks();

      await asker.refresh(client, connection);
      expect(agent.connections?.list()).toMatchObject([stands]);
      expect(run('ip', '-n', client, 'route')).toContain(`${prefix} via 172.16.1.0 dev nsm-1`);
      talks();
      await asker.close(connection);
    },
  );
});

describe('a close that fails once', () => {
  test.each([...closePoints, ...releasePoints.filter((point) => !point.startsWith('write'))])(
    "at '%s' succeeds when made again, and keeps nobody from asking anew",
    async (point) => {
      const failingClose = async (connection: Connection): Promise<void> => {
        armFault(`${point}:throw:1`);
        await expect(asker.close(connection)).rejects.toMatchObject(failure(point));
      };
      await failingClose(await request());
      const anew = await request();
      talks();
      expect(agent.connections?.list()).toMatchObject([{ state: 'up' }]);
      await failingClose(anew);
      await asker.close(anew);
      await asker.close(anew);
    },
  );

  test('where nothing can be written closes all the same', async () => {
    const connection = await request();
    armFault('write connection closing:throw');
    await asker.close(connection);
  });
});
