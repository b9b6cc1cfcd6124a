import { expect, test } from '@jest/globals';
import { check, errnoName, NetError, NetlinkError } from './error.ts';
import { addressOf, close, fixedMemory } from './libc.ts';

test.each([
  [17, 'EEXIST'],
  [11, 'EAGAIN'],
  [95, 'EOPNOTSUPP'],
  [524, 'ENOTSUPP'],
  [9999, 'errno 9999'],
])('errno %i is %s', (number, name) => {
  expect(errnoName(number)).toBe(name);
});

test("an error says what failed, on what, why, in the kernel's words, and what is missing", () => {
  const error = new NetlinkError('Create veth', 'vw1', 17, 'taken', 'needs kernel 6.3');
  expect(error.message).toBe("Create veth 'vw1' failed: EEXIST (File exists): taken: needs kernel 6.3");
  expect(error).toMatchObject({
    op: 'Create veth',
    object: 'vw1',
    errno: 17,
    code: 'EEXIST',
    extack: 'taken',
  });
  expect(new NetlinkError('Create veth', 'vw1', 17, null).message).toBe(
    "Create veth 'vw1' failed: EEXIST (File exists)",
  );
  expect(new NetError('Set', 'x', 524).message).toBe("Set 'x' failed: ENOTSUPP (Operation is not supported)");
});

test('check passes results on and throws with the errno of the call before', () => {
  expect(check(0, 'Close', 'fd')).toBe(0);
  expect(() => check(close(-1), 'Close', 'fd -1')).toThrow(
    "Close 'fd -1' failed: EBADF (Bad file descriptor)",
  );
});

test('the address of memory stays where it is', () => {
  const memory = fixedMemory(64);
  const address = addressOf(memory);
  expect(address).not.toBe(0n);
  expect(addressOf(memory)).toBe(address);
  expect(addressOf(memory.subarray(8))).toBe(address + 8n);
});
