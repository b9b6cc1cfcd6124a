// An endpoint that answers what nobody can carry out, or never: the caller hears what and where, and nothing is left.
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Agent } from '../../src/agent.ts';
import type { Connection } from '../../src/api/nsm/proto/connection_pb.ts';
import type { Call } from '../../src/api/nsm/grpc/services.ts';
import { Failure } from '../../src/features/failure.ts';
import { failOnLeakedFds } from '../fds.ts';
import { eventually } from '../pods.ts';
import type { Asker } from './asker.ts';
import { nonsense } from './nonsense.ts';
import { type OddEndpoint, type Oddity, sane } from './odd-endpoint.ts';
import { OddPlace } from './odd-place.ts';
import { nothingRemains, remains } from './remains.ts';

jest.setTimeout(30_000);

const place = new OddPlace();
const { node, client, server } = place;
let agent: Agent;
let asker: Asker;
let endpoint: OddEndpoint;

beforeAll(async () => {
  ({ agent, asker, endpoint } = await place.open());
});
afterEach(async () => {
  await place.clear();
  expect(remains(node, [client, server])).toEqual(nothingRemains);
});
afterAll(() => place.close());
failOnLeakedFds();

const ask = (deadline: number | null = null): Promise<Connection> =>
  asker.request(client, 'odd', 'nsm-1', {}, { deadline });

describe('an endpoint that answers with', () => {
  test.each(nonsense)('%s is told so, and what stood goes on', async (_what, odd, words, field) => {
    const code = expect.stringMatching(/^(failed|refused)$/); // not what it is where the client can mend it
    const message = expect.stringContaining(words.replace('AGENT', `vwire-${node.instance}`));
    const failure = { name: 'Failure', code, message, field };
    const { closed } = endpoint;
    endpoint.odd = odd;
    const asking = ask();
    await expect(asking).rejects.toMatchObject(failure);
    await expect(asking).rejects.toThrow("Endpoint 'odd' answered what cannot be carried out: ");
    expect(endpoint.closed).toBe(closed + 1);
    expect(agent.connections?.list()).toEqual([]);
    expect(agent.wires.list()).toEqual([]);

    endpoint.odd = sane;
    const connection = await ask();
    endpoint.odd = odd;
    await expect(asker.refresh(client, connection)).rejects.toMatchObject(failure);
    place.talks(connection);
    expect(agent.connections?.list()).toMatchObject([{ state: 'up', errors: [expect.anything()] }]);
    await asker.close(connection);
  });
});

const cut = (_reply: Connection, { caller }: Call): Promise<Connection> => {
  if (caller.kind === 'unix') caller.stream.destroy();
  return new Promise(() => undefined);
};

const never = (): Promise<never> => new Promise(() => undefined);

/** What, as which code, in which words. */
const silence: readonly [what: string, odd: Oddity, code: string, message: string | RegExp][] = [
  [
    'dies in the middle of its answer',
    cut,
    'failed',
    /^Endpoint 'odd' cannot be asked: No answer from 'unix:.*'/,
  ],
  ['never answers', never, 'timeout', /deadline/i],
  ['refuses', () => Promise.reject(new Failure('denied', 'Not today')), 'denied', /^Not today$/],
  [
    'has no such method',
    () => Promise.reject(new Failure('unsupported', 'Not here')),
    'unsupported',
    /^Not here$/,
  ],
  ['fails', () => Promise.reject(new Error('a bug')), 'failed', /a bug$/],
];

describe('an endpoint that', () => {
  test.each(silence)('%s', async (_what, odd, code, message) => {
    endpoint.odd = odd;
    await expect(ask(Date.now() + 1_000)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    await eventually(() => {
      expect(agent.connections?.list()).toEqual([]);
    });
  });

  test.each(silence)('%s when asked again leaves what stood', async (_what, odd, code) => {
    const connection = await ask();
    endpoint.odd = odd;
    const again = asker.refresh(client, connection, () => undefined, { deadline: Date.now() + 1_000 });
    await expect(again).rejects.toMatchObject({ code });
    place.talks(connection);
    expect(agent.connections?.list()).toMatchObject([{ state: 'up' }]);
    endpoint.odd = sane;
    await asker.close(connection);
  });
});

test('what an endpoint answers for the client is no reason not to ask the next one', async () => {
  endpoint.odd = (reply) => {
    reply.context?.ipContext?.srcIpAddrs.push('127.0.0.1/8');
    return reply;
  };
  await agent.endpoints?.add({
    name: 'other',
    services: ['odd'],
    labels: {},
    netns: `name:${server}`,
    pools: ['172.19.0.0/24'],
    routes: [],
    mtu: null,
    payload: 'IP',
  });
  // Whoever comes first by turns.
  const first = await ask();
  const second = await asker.request(client, 'odd', 'nsm-2');
  for (const connection of [first, second]) {
    expect(connection.networkServiceEndpointName).toBe('other');
    await asker.close(connection);
  }
  await agent.endpoints?.remove('other');
});
