import { describe, expect, test } from '@jest/globals';
import { vwire } from '../../../test/fake/command-line.ts';

describe('a command line that cannot be right', () => {
  test.each([
    ['', "Missing verb: 'vwire' takes agent, request, close, ls, "],
    ['frob', "'frob' is not a verb of 'vwire': allowed are agent, request, close, "],
    ['wire', "Missing verb: 'vwire wire' takes add, update, rm, ls"],
    ['wire frob', "'frob' is not a verb of 'vwire wire': allowed are add, update, rm, ls"],
    ['wire rm', "Missing NAME: usage is 'vwire wire rm NAME..'"],
    ['inspect a b', "'b' is one word too many: usage is 'vwire inspect NAME'"],
    ['ls --frob', "'--frob' is not a flag of 'vwire ls': allowed are --quiet, --instance, "],
    ['ls -x', "'-x' is not a flag of 'vwire ls'"],
    ['wire add --left a --left b --right c', "'--left' is given 2 times: it is allowed once"],
    ['wire add --left a', "Missing '--right': it takes NETNS["],
    ['wire add --left a --right b --mtu', "'--mtu' needs a value: BYTES"],
    ['wire add --left a --right b --mtu 1e3', "'--mtu 1e3' is not a whole number of bytes"],
    ['wire add --left a --right b --mtu -1', "'--mtu -1' is not a whole number of bytes"],
    [
      'wire add --left a --right b --datapath x',
      "'--datapath x' is not known: allowed are auto, tcx, clsact, xdp",
    ],
    [
      'wire add --left a --right b --timeout 5y',
      "'--timeout 5y' is not a duration: it takes a number with ms",
    ],
    ['wire update 1', "Nothing to change: give '--mtu' or '--datapath'"],
    ['wire rm 99999999999', "'99999999999' names no wire: it takes a wire id up to 4294967295"],
    ['ls --instance a.b', "'a.b' is not a name for an instance: it takes letters, digits, - and _"],
    ['ls --log-level loud', "'--log-level loud': level 'loud' is not known: allowed are trace, debug, "],
    ['agent --log-level info,warn', "'--log-level info,warn': two levels are for everything: allowed are "],
    [
      'agent --log-level x=info',
      "'--log-level x=info': 'x=info' is not SUBSYSTEM=LEVEL: allowed are the sub",
    ],
    ['agent --log-level nsm=info=x', "'--log-level nsm=info=x': 'nsm=info=x' is not SUBSYSTEM=LEVEL"],
    ['agent --log-level nsm=', "'--log-level nsm=': level '' is not known: allowed are trace, "],
    ['agent --log-level nsm=info,nsm=warn', "'--log-level nsm=info,nsm=warn': 'nsm' is given twice: "],
    ['agent --max-wires 0', "'--max-wires 0' is out of range: it takes a whole number from 1 to 1000000"],
    ['agent --orphan-grace soon', "'--orphan-grace soon' is not a duration"],
    ['agent --heal-grace soon', "'--heal-grace soon' is not a duration"],
    ['agent --max-connections x', "'--max-connections x' is out of range: it takes a whole number from 1 to"],
    [
      'agent --trust 0 --trust joe',
      "'--trust joe' is out of range: it takes the number of a user, from 0 to 4",
    ],
    ['agent --listen', "'--listen' needs a value: URL"],
    ['agent --listen x', "'--listen x': it is no URL: it takes unix:///PATH or tcp://ADDRESS:PORT"],
    ['agent --listen udp://x', "'--listen udp://x': 'udp' is not known: it takes unix:///PATH or"],
    ['agent --listen unix://a.sock', "'--listen unix://a.sock': the path 'a.sock' is not absolute: it"],
    [`agent --listen unix:///${'x'.repeat(107)}`, 'the kernel allows 107 bytes in the path of a socket'],
    ['agent --listen tcp://localhost:1', 'it has no address, such as 127.0.0.1 or [::1], and port: it takes'],
    ['agent --listen tcp://127.0.0.1:65536', '65536 is no port from 1 to 65535'],
    [
      'agent --listen tcp://10.0.0.1:5001',
      "'--listen tcp://10.0.0.1:5001' would let everybody on the network",
    ],
    [
      'agent --tls-cert c',
      "'--tls-key' is missing: TLS takes '--tls-cert', '--tls-key' and, for those who call, '--tls-ca'",
    ],
    ['agent --tls-ca c', "'--tls-cert' is missing: TLS takes"],
    ['agent --tls-cert /c --tls-key k', "'--tls-ca' is missing: TLS takes"],
    [
      'agent --tls-cert /c --tls-key k --tls-ca a',
      "'--tls-cert /c' has nothing to serve: give a '--listen tcp://",
    ],
    ['log-level loud', "'log-level loud': level 'loud' is not known: allowed are trace, "],
    ['log-level info wire=x', "'log-level info,wire=x': level 'x' is not known: allowed are trace, "],
    ['completion fish', "There is no completion for 'fish': allowed are bash, zsh"],
  ])('vwire %s', async (line, message) => {
    const { code, out, err } = await vwire(line);
    expect(err).toMatch(/^vwire: /);
    expect(err).toContain(message);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });
});

test('an error under --json is one document on stderr with its schema', async () => {
  const { code, out, err } = await vwire('--json ls --instance a.b');
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err.endsWith('}\n')).toBe(true);
  expect(JSON.parse(err)).toEqual({
    schema: 'vwire/v1',
    kind: 'Error',
    code: 'invalid',
    field: 'instance',
    value: 'a.b',
    allowed: 'letters, digits, - and _, at most 64 of them',
    message: expect.stringContaining("'a.b' is not a name for an instance"),
  });
});

test('the words before the verb may hold common flags, and words stay text', async () => {
  const places: unknown[] = [];
  const explain = (place: unknown, name: unknown): never => {
    places.push(place, name);
    throw new Error('seen');
  };
  await vwire('--instance one --run-dir /r explain 0012 --bpffs=/b', { sources: { explain } });
  await vwire('explain 0x12', { sources: { explain } });
  expect(places).toMatchObject([
    { instance: 'one', runDir: '/r', bpffs: '/b' },
    { id: 12 },
    { instance: 'default', runDir: '/run/vwire', bpffs: '/sys/fs/bpf' },
    { connection: '0x12' },
  ]);
});

test.each(['--help', 'wire --help', 'wire add --help', 'inspect --help'])('vwire %s', async (line) => {
  const { code, out, err } = await vwire(line);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatchSnapshot();
});

test('--version', async () => {
  expect(await vwire('--version')).toEqual({ code: 0, out: '1.2.3\n', err: '' });
});

test('--log-level debug tells where an error and its cause came from', async () => {
  const readWires = (): never => {
    throw new Error('above', { cause: new Error('below') });
  };
  expect((await vwire('ls', { sources: { readWires } })).err).toBe('vwire: above\n');
  const { err } = await vwire('ls --log-level debug', { sources: { readWires } });
  expect(err).toMatch(/vwire: above\nError: above\n +at [^]*caused by Error: below\n +at /);
});
