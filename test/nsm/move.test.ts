// A connection that is asked for again with a side elsewhere:
//
//   pod client                                             pod server (endpoint odd)
//   nsm-1, or another name  ====  agent's namespace  ====  odd-..., or another name
//   eth0 10.244.0.5/24, default route
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { create } from '@bufbuild/protobuf';
import type { Agent } from '../../src/agent.ts';
import type { Connection } from '../../src/api/nsm/proto/connection_pb.ts';
import { RouteSchema } from '../../src/api/nsm/proto/connectioncontext_pb.ts';
import type { WireItem } from '../../src/features/wire/api.ts';
import { failOnLeakedFds } from '../fds.ts';
import type { Asker } from './asker.ts';
import { type OddEndpoint, type Oddity, sane } from './odd-endpoint.ts';
import { OddPlace } from './odd-place.ts';
import { nothingRemains, remains } from './remains.ts';

jest.setTimeout(30_000);

const place = new OddPlace();
const { node, client, server } = place;
let agent: Agent;
let asker: Asker;
let endpoint: OddEndpoint;
let connection: Connection;
let before: WireItem;

beforeAll(async () => {
  place.pods.giveEth0(client);
  ({ agent, asker, endpoint } = await place.open());
});
beforeEach(async () => {
  connection = await asker.request(client, 'odd', 'nsm-1');
  before = wire();
});
afterEach(async () => {
  await place.clear();
  expect(remains(node, [server])).toEqual(nothingRemains);
});
afterAll(() => place.close());
failOnLeakedFds();

function wire(): WireItem {
  const [found, ...others] = agent.wires.list();
  if (!found || others.length > 0) throw new Error(`There are ${others.length + (found ? 1 : 0)} wires`);
  return found;
}
/** What of a wire has to stay: its id and since when, its interfaces, their addresses, and what was counted. */
const standing = ({ id, since, state, left, right, mtu }: WireItem): unknown => ({
  id,
  since,
  state,
  left,
  right,
  mtu,
});
const called = (name: string) => (asked: Connection) => {
  if (asked.mechanism) asked.mechanism.parameters.name = name;
};
const answers =
  (change: (reply: Connection) => void): Oddity =>
  (reply) => {
    change(reply);
    return reply;
  };

describe('a client that wants another name for its interface', () => {
  test('has it, and the endpoint keeps its own', async () => {
    const again = await asker.refresh(client, connection, called('nsm-2'));
    expect(again.mechanism?.parameters.name).toBe('nsm-2');
    const { id, since, right } = before;
    expect(wire()).toMatchObject({ id, since, state: 'open', left: { name: 'nsm-2' }, right });
    place.talks(connection);
    await asker.refresh(client, again);
    expect(wire()).toMatchObject({ id, left: { name: 'nsm-2' } });
  });

  test('that is taken is refused, and nothing has changed', async () => {
    await expect(asker.refresh(client, connection, called('eth0'))).rejects.toThrow(
      "'eth0': an interface of that name exists",
    );
    expect(standing(wire())).toEqual(standing(before));
    place.talks(connection);
    await asker.refresh(client, connection);
    expect(standing(wire())).toEqual(standing(before));
  });
});

describe('an endpoint that has another interface', () => {
  const renamed = answers(({ mechanism }) => {
    if (mechanism) mechanism.parameters.name = 'odd-2';
  });

  test.each<[string, (reply: Connection) => void, string]>([
    [
      'under a name that is taken',
      ({ mechanism }) => {
        if (mechanism) mechanism.parameters.name = 'lo';
      },
      'interface of that name exists',
    ],
    [
      'with an address that the client has elsewhere',
      ({ context }) => context?.ipContext?.srcIpAddrs.push('10.244.0.9/16'),
      "overlaps 10.244.0.0/24 of 'eth0'",
    ],
    [
      'with a route that the client has elsewhere',
      ({ context }) => context?.ipContext?.srcRoutes.push(create(RouteSchema, { prefix: '0.0.0.0/0' })),
      "interface 'eth0' has a default route already",
    ],
    [
      'and an MTU without room for its addresses',
      ({ context }) => {
        if (context) context.MTU = 1000;
      },
      '1280 and more',
    ],
  ])('%s is refused, and nothing has changed', async (_, change, words) => {
    endpoint.odd = async (reply, call) => {
      const answer = await renamed(reply, call);
      change(answer);
      return answer;
    };
    await expect(asker.refresh(client, connection)).rejects.toThrow(words);
    expect(standing(wire())).toEqual(standing(before));
    place.talks(connection);
    endpoint.odd = sane;
    await asker.refresh(client, connection);
    expect(standing(wire())).toEqual(standing(before));
    endpoint.odd = renamed;
    await asker.refresh(client, connection);
    const { id, left } = before;
    expect(wire()).toMatchObject({ id, state: 'open', left, right: { name: 'odd-2' } });
    place.talks(connection);
  });
});
