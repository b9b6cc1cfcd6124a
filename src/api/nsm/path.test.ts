import { create, equals, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from '@jest/globals';
import { advance, restore } from './path.ts';
import { type Connection, ConnectionSchema } from './proto/connection_pb.ts';

type Segment = readonly [name: string, id: string];

const connection = (id: string, index: number, segments: readonly Segment[]): Connection =>
  create(ConnectionSchema, {
    id,
    path: { index, pathSegments: segments.map(([name, segment]) => ({ name, id: segment })) },
  });
const segmentsOf = ({ path }: Connection): Segment[] =>
  (path?.pathSegments ?? []).map(({ name, id }) => [name, id]);

interface Case {
  rule: string;
  given: Connection;
  index: number;
  callerIndex: number;
  id: string;
  segments: Segment[];
}

const cases: Case[] = [
  {
    rule: 'without a path it is begun with the id there is',
    given: create(ConnectionSchema, { id: 'c-0' }),
    ...{ index: 0, callerIndex: 0, id: 'c-0', segments: [['me', 'c-0']] },
  },
  {
    rule: 'without a path and an id both are made',
    given: create(ConnectionSchema),
    ...{ index: 0, callerIndex: 0, id: 'new', segments: [['me', 'new']] },
  },
  {
    rule: 'a path without segments is none',
    given: connection('c-0', 7, []),
    ...{ index: 0, callerIndex: 0, id: 'c-0', segments: [['me', 'c-0']] },
  },
  {
    rule: 'where the current segment is its own nothing moves',
    given: connection('c', 1, [
      ['client', 'c'],
      ['me', 'm'],
      ['nse', 'e'],
    ]),
    ...{
      index: 1,
      callerIndex: 1,
      id: 'm',
      segments: [
        ['client', 'c'],
        ['me', 'm'],
        ['nse', 'e'],
      ],
    },
  },
  {
    rule: 'at the end of the path it appends itself',
    given: connection('c', 0, [['client', 'c']]),
    ...{
      index: 1,
      callerIndex: 0,
      id: 'new',
      segments: [
        ['client', 'c'],
        ['me', 'new'],
      ],
    },
  },
  {
    rule: 'on a refresh it keeps its id, and those behind it stay',
    given: connection('c', 0, [
      ['client', 'c'],
      ['me', 'm'],
      ['nse', 'e'],
    ]),
    ...{
      index: 1,
      callerIndex: 0,
      id: 'm',
      segments: [
        ['client', 'c'],
        ['me', 'm'],
        ['nse', 'e'],
      ],
    },
  },
  {
    rule: 'another process there is replaced, with a new id',
    given: connection('c', 0, [
      ['client', 'c'],
      ['other', 'o'],
      ['nse', 'e'],
    ]),
    ...{
      index: 1,
      callerIndex: 0,
      id: 'new',
      segments: [
        ['client', 'c'],
        ['me', 'new'],
        ['nse', 'e'],
      ],
    },
  },
  {
    rule: 'its own name without an id gets one',
    given: connection('c', 0, [
      ['client', 'c'],
      ['me', ''],
    ]),
    ...{
      index: 1,
      callerIndex: 0,
      id: 'new',
      segments: [
        ['client', 'c'],
        ['me', 'new'],
      ],
    },
  },
];

describe('on the way in', () => {
  test.each(cases)('$rule', ({ given, index, callerIndex, id, segments }) => {
    const before = toBinary(ConnectionSchema, given);
    const advanced = advance(given, 'me', () => 'new');
    expect({ ...advanced, connection: null }).toEqual({ connection: null, index, callerIndex });
    expect(advanced.connection).toMatchObject({ id, path: { index } });
    expect(segmentsOf(advanced.connection)).toEqual(segments);
    expect(toBinary(ConnectionSchema, given)).toEqual(before);
  });

  test('who replaces a process takes neither its token nor its metrics over', () => {
    const given = create(ConnectionSchema, {
      id: 'c',
      path: {
        pathSegments: [
          { name: 'client', id: 'c', token: 't0', metrics: { a: '1' } },
          { name: 'other', id: 'o', token: 't1', expires: { seconds: 9n }, metrics: { b: '2' } },
        ],
      },
    });
    const [client, me] = advance(given, 'me').connection.path?.pathSegments ?? [];
    expect(client).toMatchObject({ token: 't0', metrics: { a: '1' } });
    expect(me).toMatchObject({ token: '', metrics: {} });
    expect(me?.expires).toBeUndefined();
  });

  test('a new id is a uuid', () => {
    expect(advance(create(ConnectionSchema), 'me').connection.id).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  const refusals: [string, Connection, string][] = [
    [
      'an index past the end',
      connection('c', 1, [['client', 'c']]),
      "The path's index is 1, but it has 1 segments: allowed is an index from 0 to 0",
    ],
    [
      "an id that is not the caller's",
      connection('x', 0, [['client', 'c']]),
      "The connection's id 'x' is not 'c', the id of segment 0 of its path: allowed is 'c'",
    ],
    [
      'a caller without an id',
      connection('', 0, [['client', '']]),
      'Segment 0 of the path has no id: allowed is the id its process gave the connection',
    ],
    [
      'a path without end',
      connection(
        'c',
        0,
        Array.from({ length: 17 }, (_, i): Segment => [`p${i}`, 'c']),
      ),
      'The path has 17 segments: allowed is at most 16 segments',
    ],
  ];
  test.each(refusals)('%s is refused', (_, given, message) => {
    expect(() => advance(given, 'me')).toThrow(
      expect.objectContaining({ code: 'invalid', field: 'path', message }),
    );
  });
});

describe('on the way back', () => {
  const answer = (id: string, index: number, ...segments: Segment[]): Connection =>
    connection(id, index, segments);

  test.each(cases)('the caller sees its own index and id: $rule', ({ given, callerIndex, segments }) => {
    const advanced = advance(given, 'me', () => 'new');
    const back = restore(answer('whatever', 9, ...segments, ['nse', 'e']), advanced);
    expect(back.path?.index).toBe(callerIndex);
    expect(back.id).toBe(segments[callerIndex]?.[1]);
    expect(segmentsOf(back)).toEqual([...segments, ['nse', 'e']]);
  });

  test('what the next hops added stays, fields nobody knows included', () => {
    const sent = advance(connection('c', 0, [['client', 'c']]), 'me', () => 'm');
    const reply: MessageInitShape<typeof ConnectionSchema> = {
      id: 'm',
      labels: { a: 'b' },
      path: {
        index: 1,
        pathSegments: [
          { name: 'client', id: 'c' },
          { name: 'me', id: 'm' },
          { name: 'nse', id: 'e', metrics: { rx: '1' } },
        ],
      },
    };
    // Field 100, a varint of 1: of a newer protocol.
    const unknown = Buffer.from([0xa0, 0x06, 0x01]);
    const newer = fromBinary(
      ConnectionSchema,
      Buffer.concat([toBinary(ConnectionSchema, create(ConnectionSchema, reply)), unknown]),
    );
    const back = restore(newer, sent);
    expect(Buffer.from(toBinary(ConnectionSchema, back)).includes(unknown)).toBe(true);
    const expected = create(ConnectionSchema, { ...reply, id: 'c', path: { ...reply.path, index: 0 } });
    delete back.$unknown;
    expect(equals(ConnectionSchema, back, expected)).toBe(true);
  });

  test('there and back through three processes', () => {
    const atAgent = advance(
      advance(create(ConnectionSchema, { id: 'c-0' }), 'client').connection,
      'agent',
      () => 'a',
    );
    const atEndpoint = advance(atAgent.connection, 'nse', () => 'e');
    expect(atEndpoint).toMatchObject({ index: 2, callerIndex: 1, connection: { id: 'e' } });
    const toAgent = restore(atEndpoint.connection, atEndpoint);
    expect(toAgent).toMatchObject({ id: 'a', path: { index: 1 } });
    const toClient = restore(toAgent, atAgent);
    expect(toClient).toMatchObject({ id: 'c-0', path: { index: 0 } });
    expect(segmentsOf(toClient)).toEqual([
      ['client', 'c-0'],
      ['agent', 'a'],
      ['nse', 'e'],
    ]);
  });

  test.each<[string, Connection, string]>([
    ['no path', create(ConnectionSchema, { id: 'm' }), 'nothing at segment 0'],
    ['a path that is too short', answer('c', 0, ['client', 'c']), 'nothing at segment 1'],
    ['another client', answer('m', 1, ['thief', 'c'], ['me', 'm']), "'thief' with id 'c' at segment 0"],
    ['another id', answer('m', 1, ['client', 'c'], ['me', 'x']), "'me' with id 'x' at segment 1"],
  ])('an answer with %s is nonsense', (_, reply, what) => {
    const sent = advance(connection('c', 0, [['client', 'c']]), 'me', () => 'm');
    const [name, id] = what.endsWith('0') ? ['client', 'c'] : ['me', 'm'];
    const message = `The answer to connection 'm' has ${what} of its path, where '${name}' with id '${id}' was sent`;
    expect(() => restore(reply, sent)).toThrow(expect.objectContaining({ code: 'failed', message }));
  });
});
