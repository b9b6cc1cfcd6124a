import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as some from '../../test/net/arbitrary.ts';
import { decodeAddress, encodeAddress } from './addr.ts';
import { attr, attrNest, attrString, attrU32, Attrs } from './attr.ts';
import { CodecError } from './error.ts';
import { decodeFilter, encodeFilter } from './filter.ts';
import { decodeLink, encodeLink, encodeVeth, groupOf, vethPeerOf, type LinkChange } from './link.ts';
import { decodeDone, decodeError, decodeMessages, encodeMessage, type Message } from './message.ts';
import { decodeNotification } from './monitor.ts';
import { decodeNeighbour, encodeNeighbour } from './neigh.ts';
import { decodeNsid, encodeNsid } from './nsid.ts';
import { decodeQdisc, encodeQdisc } from './qdisc.ts';
import { nsidIn } from './recvmsg.ts';
import { decodeRoute, encodeRoute } from './route.ts';
import { decodeRule, encodeRule } from './rule.ts';

const link = fc.tuple(fc.integer({ min: 0, max: 0x7fffffff }), some.linkChange);

/** What a change says about the device itself: where it is to be is no part of it. */
const told = (change: LinkChange): object =>
  Object.fromEntries(Object.entries(change).filter(([key]) => key !== 'netnsFd'));

describe('what is encoded is decoded', () => {
  test('links: every field that was set, and null for those that were not', () => {
    fc.assert(
      fc.property(link, ([ifindex, change]) => {
        const decoded = decodeLink(encodeLink(ifindex, change));
        expect(groupOf(encodeLink(ifindex, change))).toBe(decoded.group);
        expect(decoded).toMatchObject({ ifindex, ...told(change) });
        if (change.mtu === undefined) expect(decoded.mtu).toBeNull();
        if (change.up === undefined) expect(decoded.up).toBe(false);
      }),
    );
  });

  test('a veth pair: both ends', () => {
    fc.assert(
      fc.property(some.linkChange, some.linkChange, (local, peer) => {
        const body = encodeVeth(local, peer);
        expect(decodeLink(body)).toMatchObject({ kind: 'veth', ...told(local) });
        expect(decodeLink(vethPeerOf(body) ?? Buffer.alloc(0))).toMatchObject(told(peer));
      }),
    );
  });

  test('addresses', () => {
    fc.assert(
      fc.property(some.address, (spec) => {
        expect(decodeAddress(encodeAddress(spec))).toMatchObject(spec);
      }),
    );
  });

  test('neighbours', () => {
    fc.assert(
      fc.property(some.neighbour, (neighbour) => {
        expect(decodeNeighbour(encodeNeighbour(neighbour))).toEqual(neighbour);
      }),
    );
  });

  test('routes', () => {
    fc.assert(
      fc.property(some.route, (route) => {
        expect(decodeRoute(encodeRoute(route))).toEqual({ ...route, nexthops: [], nexthopId: null });
      }),
    );
  });

  test('rules', () => {
    fc.assert(
      fc.property(some.rule, (rule) => {
        expect(decodeRule(encodeRule(rule))).toEqual(rule);
      }),
    );
  });

  test('qdiscs and filters', () => {
    fc.assert(
      fc.property(some.filter, (filter) => {
        const { ifindex, kind, handle, parent, priority } = filter;
        expect(decodeFilter(encodeFilter(filter))).toEqual(filter);
        for (const blocks of [
          { ingress: null, egress: null },
          { ingress: priority, egress: handle },
        ]) {
          const qdisc = { ifindex, kind, handle, parent, blocks };
          expect(decodeQdisc(encodeQdisc(qdisc))).toEqual(qdisc);
        }
      }),
    );
  });

  test('namespace numbers, of which -1 is none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7fffffff }), (nsid) => {
        expect(decodeNsid(encodeNsid({ nsid }))).toBe(nsid);
      }),
    );
    expect(decodeNsid(encodeNsid({ nsid: -1 }))).toBeNull();
  });

  test('messages, several to a datagram', () => {
    const body = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes));
    const message = fc.record({ type: some.u16, flags: some.u16, seq: some.u32, portid: some.u32, body });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        expect(decodeMessages(Buffer.concat(messages.map(encodeMessage)))).toEqual(messages);
      }),
    );
  });
});

describe('bytes from anywhere', () => {
  const asMessage = (type: number, flags: number) => (body: Buffer) => ({
    type,
    flags,
    seq: 1,
    portid: 0,
    body,
  });
  const decoders: Record<string, (body: Buffer) => unknown> = {
    decodeMessages,
    decodeError: (body) => decodeError(asMessage(2, 0x300)(body)),
    'decodeError with the request echoed': (body) => decodeError(asMessage(2, 0x200)(body)),
    decodeDone: (body) => decodeDone(asMessage(3, 0x200)(body)),
    decodeLink,
    decodeAddress,
    decodeNeighbour,
    decodeRoute,
    decodeRule,
    decodeQdisc,
    decodeFilter,
    decodeNsid,
    nsidIn,
    decodeNotification: (body) => decodeNotification(asMessage(body[0] ?? 0, 0)(body.subarray(1)), null),
  };

  // Valid ones with a few bytes changed and the end cut off reach deeper than noise does.
  const valid = fc.oneof(
    link.map(([ifindex, change]) => encodeLink(ifindex, change)),
    fc.tuple(some.linkChange, some.linkChange).map(([a, b]) => encodeVeth(a, b)),
    some.address.map(encodeAddress),
    some.neighbour.map(encodeNeighbour),
    some.route.map(encodeRoute),
    some.rule.map(encodeRule),
    some.filter.map(encodeFilter),
  );
  const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 });
  const damaged = fc.tuple(valid, edits, fc.nat(8)).map(([bytes, changes, cut]) => {
    const copy = Buffer.from(bytes);
    for (const [at, value] of changes) copy.writeUInt8(value, at % copy.length);
    return copy.subarray(0, Math.max(0, copy.length - cut));
  });
  const anything = fc.oneof(
    damaged,
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );

  function outcome(decode: (body: Buffer) => unknown, bytes: Buffer): unknown {
    try {
      return decode(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(CodecError);
      return 'refused';
    }
  }

  test.each(Object.entries(decoders))(
    '%s throws CodecError or nothing, and reads only what is its',
    (_, decode) => {
      fc.assert(
        fc.property(anything, (bytes) => {
          const alone = outcome(decode, Buffer.from(bytes));
          for (const poison of [0x00, 0xff]) {
            const larger = Buffer.alloc(bytes.length + 64, poison);
            bytes.copy(larger, 32);
            expect(outcome(decode, larger.subarray(32, 32 + bytes.length))).toEqual(alone);
          }
        }),
        { numRuns: Math.max(500, 10 * Number(process.env.VWIRE_N ?? 0)) },
      );
    },
  );
});

describe('attributes', () => {
  test('an absent one is null, one that is too short is refused', () => {
    const attrs = new Attrs(Buffer.concat([attr(1, Buffer.of(7)), attrString(2, 'name')]));
    expect([attrs.u8(1), attrs.string(2), attrs.u32(3), attrs.nested(4)]).toEqual([7, 'name', null, null]);
    expect(() => attrs.u32(1)).toThrow('Attribute 1 has 1 bytes, 4 expected');
  });

  test('nesting carries the flag on the wire and not in the type', () => {
    const nest = attrNest(5, [attrU32(1, 42)]);
    expect(nest.readUInt16LE(2)).toBe(0x8005);
    expect(new Attrs(nest).nested(5)?.u32(1)).toBe(42);
  });

  test('a payload that no length can tell is refused', () => {
    expect(() => attr(1, Buffer.alloc(0x10000))).toThrow(CodecError);
  });
});

describe('acknowledgements', () => {
  const message = (type: number, flags: number, body: Buffer): Message => ({
    type,
    flags,
    seq: 1,
    portid: 0,
    body,
  });
  const code = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return bytes;
  };
  const text = attrString(1, 'mtu less than device minimum');

  test("an error brings the kernel's text, capped or with the request echoed", () => {
    const request = encodeMessage(message(16, 5, Buffer.alloc(21, 9)));
    const expected = { errno: 22, extack: 'mtu less than device minimum' };
    const capped = Buffer.concat([code(-22), request.subarray(0, 16), text]);
    expect(decodeError(message(2, 0x300, capped))).toEqual(expected);
    expect(decodeError(message(2, 0x200, Buffer.concat([code(-22), request, text])))).toEqual(expected);
  });

  test('0 is success, and an end of dump without a code too', () => {
    expect(decodeError(message(2, 0x100, Buffer.concat([code(0), Buffer.alloc(16)])))).toEqual({
      errno: 0,
      extack: null,
    });
    expect(decodeDone(message(3, 2, code(0)))).toEqual({ errno: 0, extack: null });
    expect(decodeDone(message(3, 2, Buffer.alloc(0)))).toEqual({ errno: 0, extack: null });
    expect(decodeDone(message(3, 0x202, Buffer.concat([code(-2), text]))).errno).toBe(2);
  });
});
