// Long because each verb of workloads is tested with the same agent in memory.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryAgent, quiet } from '../../test/fake/agent.ts';
import { vwire } from '../../test/fake/command-line.ts';
import { connectionOf } from '../../test/fake/connections.ts';
import { type AdminServer, adminSocketPath, serveAdmin } from '../api/admin/server.ts';

let runDir: string;
let agent: MemoryAgent;
let server: AdminServer;

beforeEach(async () => {
  runDir = mkdtempSync(join(tmpdir(), 'vwire-cli-'));
  agent = new MemoryAgent();
  server = await serveAdmin(agent, adminSocketPath(runDir, 'default'), quiet().of('admin'));
});

afterEach(async () => {
  await server.close(1_000);
  rmSync(runDir, { recursive: true });
});

const ask = (line: string, options = {}) => vwire(`${line} --run-dir ${runDir}`, options);
const documents = (out: string): unknown[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));

describe('endpoints', () => {
  const all =
    'endpoint add one two --netns name:server --name e --label app=firewall --label empty= --label eq=a=b ' +
    '--pool 172.16.1.0/24 --pool 2001:db8::/112 --route 10.0.0.0/8 --route ::/0,via=2001:db8::1 --mtu 9000 --payload ETHERNET';

  test('add passes on all that is said and shows the endpoint', async () => {
    const { code, out } = await ask(all);
    expect(code).toBe(0);
    expect(agent.endpoints.calls).toEqual([
      {
        add: {
          name: 'e',
          services: ['one', 'two'],
          labels: { app: 'firewall', empty: '', eq: 'a=b' },
          netns: 'name:server',
          pools: ['172.16.1.0/24', '2001:db8::/112'],
          routes: [
            { prefix: '10.0.0.0/8', via: null },
            { prefix: '::/0', via: '2001:db8::1' },
          ],
          mtu: 9000,
          payload: 'ETHERNET',
        },
      },
    ]);
    expect(out).toMatchSnapshot();
  });

  test('update passes on what is said and nothing else', async () => {
    await ask(all);
    expect(await ask('endpoint update e --route 10.96.0.0/16')).toMatchObject({ code: 0 });
    expect(await ask('endpoint update e --no-routes --mtu 1400')).toMatchObject({ code: 0 });
    expect(agent.endpoints.calls.slice(1)).toEqual([
      { update: 'e', change: { pools: null, routes: [{ prefix: '10.96.0.0/16', via: null }], mtu: null } },
      { update: 'e', change: { pools: null, routes: [], mtu: 1400 } },
    ]);
    expect(await ask('endpoint update e')).toMatchObject({
      code: 2,
      err: expect.stringContaining('Nothing is to be changed: give --pool, --route, --no-routes or --mtu'),
    });
    expect(await ask('endpoint update e --no-routes --route 10.0.0.0/8')).toMatchObject({
      code: 2,
      err: expect.stringContaining("'--no-routes' and '--route' exclude each other"),
    });
    expect(await ask('endpoint update gone --mtu 1400')).toMatchObject({ code: 3 });
  });

  test('add, ls and rm as JSON', async () => {
    const added = documents((await ask(`${all} --json`)).out);
    expect(added).toMatchSnapshot();
    const [{ items }] = documents((await ask('endpoint ls --json')).out) as [{ items: object[] }];
    expect(items).toEqual([expect.objectContaining({ name: 'e' })]);
    expect(added[0]).toMatchObject(items[0] ?? {});
    expect(documents((await ask('endpoint rm e --json')).out)).toEqual([
      { schema: 'vwire/v1', kind: 'Removed', name: 'e' },
    ]);
    expect(agent.endpoints.list()).toEqual([]);
  });

  test('ls shows those of the agent and those that registered themselves', async () => {
    expect((await ask('endpoint ls', { terminal: { watched: true, colour: false } })).out).toBe(
      "No endpoints in instance 'default'\n",
    );
    await ask(all);
    agent.endpoints.put({
      name: 'far\u001b[2J',
      services: ['one', 'two'],
      labels: { one: { app: 'x' }, two: {} },
      url: 'unix:///run/far.sock',
      hosted: false,
      netns: null,
      pools: [],
      expires: '2026-01-02T04:15:07.000Z',
      connections: 3,
    });
    expect((await ask('endpoint ls')).out).toMatchSnapshot();
    expect((await ask('endpoint ls --quiet')).out).toBe('e\nfar\\u{1b}[2J\n');
  });

  test('rm stops at the first it cannot remove', async () => {
    await ask('endpoint add one --netns a --name e1');
    await ask('endpoint add one --netns a --name e2');
    expect(await ask('endpoint rm e1 none e2')).toEqual({
      code: 3,
      out: 'Removed e1\n',
      err: "vwire: No endpoint 'none'\n",
    });
  });

  test.each([
    ['one', "Missing '--netns': it takes NETNS: pid:N, name:N or path:P"],
    ['', "Missing SERVICE: usage is 'vwire endpoint add SERVICE..'"],
    ['one --netns a --label app', "'--label app': it has no =: it takes KEY=VALUE, each key once"],
    ['one --netns a --label =x', "'--label =x': it has no key"],
    ['one --netns a --label a=1 --label a=2', "'--label a=2': 'a' is given twice"],
    ['one --netns a --route ,via=1', "'--route ,via=1' is not a route: it takes PREFIX[,via=ADDRESS]"],
    ['one --netns a --route ::/0,via=', "'--route ::/0,via=' is not a route"],
    ['one --netns a --route ::/0,by=::1', "'--route ::/0,by=::1' is not a route"],
    ['one --netns a --payload ip', "'--payload ip' is not known: allowed are ETHERNET, IP"],
    ['one --netns a --mtu x', "'--mtu x' is not a whole number of bytes"],
  ])('add %s', async (words, message) => {
    const { code, err } = await ask(`endpoint add ${words}`);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(`vwire: ${message}`) });
    expect(agent.endpoints.calls).toEqual([]);
  });
});

const short = `
name: one
payload: ETHERNET
matches:
  - source_selector: {app: client}
    routes:
      - destination_selector: {app: firewall, node: '{{.nodeName}}'}
        weight: 3
      - {destination_selector: {app: nat}}
    fallthrough: true
  - routes: [{}]
`;

const kubernetes = `
apiVersion: networkservicemesh.io/v1
kind: NetworkService
metadata:
  name: two
  namespace: ns-x
  labels: {a: b}
spec:
  name: two
  payload: IP
  matches:
    - metadata:
        labels: {p2p: "true"}
    - source_selector:
      fallthrough: false
      routes:
        - destination_selector:
            app: gateway
---
kind: NetworkService
apiVersion: networkservicemesh.io/v1
metadata: {name: three}
`;

describe('services', () => {
  test('put reads our form and that of Kubernetes, from stdin or a file', async () => {
    const { code, out } = await ask('service put -f -', { stdin: short });
    expect({ code, out }).toMatchSnapshot();
    const file = join(runDir, 'two.yaml');
    writeFileSync(file, kubernetes);
    expect((await ask(`service put --file ${file}`)).out).toMatchSnapshot();
    expect(agent.services.calls).toMatchSnapshot();
  });

  test('what ls --json prints can be put back', async () => {
    await ask('service put -f -', { stdin: `${short}---${kubernetes}` });
    const before = agent.services.list();
    expect((await ask('service ls')).out).toMatchSnapshot();
    const [{ items }] = documents((await ask('service ls --json')).out) as [{ items: object[] }];
    expect(items).toMatchSnapshot();
    expect((await ask('service ls --quiet')).out).toBe('one\ntwo\nthree\n');
    expect((await ask('service rm one two three')).out).toBe('Removed one\nRemoved two\nRemoved three\n');
    const { code } = await ask('service put -f -', {
      stdin: items.map((item) => JSON.stringify(item)).join('\n---\n'),
    });
    expect(code).toBe(0);
    expect(agent.services.list()).toEqual(before);
    expect(await ask('service rm none')).toMatchObject({ code: 3, err: "vwire: No service 'none'\n" });
  });

  test.each([
    ['', 'stdin describes no service: it takes {name, payload, matches}'],
    ['---\n---\n', 'stdin describes no service'],
    ['x', 'stdin: the document is "x": it takes an object of name, payload, matches'],
    ['a: [\nb', 'stdin: line 2 is no YAML: '],
    ['name: a\nname: b', 'stdin: line 2 is no YAML: Map keys must be unique'],
    ['matches: []', "stdin: 'name' is missing: it takes a text, quoted if YAML takes it for something else"],
    ['name: 7', "stdin: 'name' is 7: it takes a text, quoted if"],
    ["name: ''", 'stdin: \'name\' is "": it takes a name that is not empty'],
    [
      'name: a\nfoo: 1\nbar: 2',
      "stdin: 'foo', 'bar' of the document is not known: allowed are name, payload, matches",
    ],
    ['name: a\npayload: ip', 'stdin: \'payload\' is "ip": it takes ETHERNET or IP'],
    ['name: a\nmatches: {}', "stdin: 'matches' is {}: it takes a list"],
    [
      'name: a\nmatches: [{route: []}]',
      "stdin: 'route' of 'matches[0]' is not known: allowed are source_selector, routes",
    ],
    [
      'name: a\nmatches: [{source_selector: {x: true}}]',
      "stdin: 'matches[0].source_selector.x' is true: it takes a text, quoted",
    ],
    [
      'name: a\nmatches: [{routes: [{weight: -1}]}]',
      "stdin: 'matches[0].routes[0].weight' is -1: it takes a whole number",
    ],
    [
      'name: a\nmatches: [{routes: [{weight: 1.5}]}]',
      "stdin: 'matches[0].routes[0].weight' is 1.5: it takes a whole number",
    ],
    ['name: a\nmatches: [{fallthrough: 1}]', "stdin: 'matches[0].fallthrough' is 1: it takes true or false"],
    [
      'name: a\n---\nkind: Pod',
      "stdin, document 2: 'apiVersion' is missing: it takes networkservicemesh.io/v1",
    ],
    ['kind: Pod\napiVersion: networkservicemesh.io/v1', 'stdin: \'kind\' is "Pod": it takes NetworkService'],
    [
      'kind: NetworkService\napiVersion: networkservicemesh.io/v1\nmetadata: {}',
      "stdin: 'metadata.name' is missing: it takes a text",
    ],
    [
      'kind: NetworkService\napiVersion: networkservicemesh.io/v1\nmetadata: {name: x}\nspec: {match: []}',
      "stdin: 'match' of 'spec' is not known: allowed are name, payload, matches, path_ids",
    ],
    [`name: a${'\n'.repeat(1024 * 1024)}`, 'What stdin says is larger than 1048576 bytes'],
    ['a: &a [x]\nb: [*a,*a,*a]\nname: &n [*a,*a]\nm: [*n,*n,*n,*n]'.padEnd(10), 'stdin: '],
  ])('put of what is wrong, number %#', async (stdin, message) => {
    const { code, out, err } = await ask('service put -f -', { stdin });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(`vwire: ${message}`);
    expect(agent.services.calls).toEqual([]);
  });

  test('an alias that stands for too much is refused', async () => {
    const lines = ['a0: &a0 [x, x]'];
    for (let at = 1; at < 30; at++) lines.push(`a${at}: &a${at} [*a${at - 1}, *a${at - 1}]`);
    const { code, err } = await ask('service put -f -', { stdin: lines.join('\n') });
    expect(code).toBe(2);
    expect(err).toContain('document 1 is no YAML: Excessive alias count');
  });

  test('a file that cannot be read', async () => {
    const folder = join(runDir, 'folder');
    mkdirSync(folder);
    expect(await ask(`service put -f ${runDir}/none`)).toMatchObject({
      code: 3,
      err: `vwire: File '${runDir}/none' cannot be read: there is none\n`,
    });
    expect(await ask(`service put -f ${folder}`)).toMatchObject({
      code: 2,
      err: `vwire: '${folder}' is a directory\n`,
    });
    writeFileSync(join(folder, 'large'), Buffer.alloc(1024 * 1024 + 1));
    expect((await ask(`service put -f ${folder}/large`)).err).toBe(
      `vwire: File '${folder}/large' is larger than 1048576 bytes\n`,
    );
    expect((await ask('service put')).err).toContain("Missing '--file': it takes FILE, or - for stdin");
    expect((await ask('service put -f a --file b')).err).toContain("'--file' is given 2 times");
  });
});

test('log-level shows and changes what each subsystem logs', async () => {
  expect((await ask('log-level')).out).toMatchSnapshot();
  expect((await ask('log-level nsm=debug wire=silent')).code).toBe(0);
  expect(agent.logs.levels()).toMatchObject({ nsm: 'debug', wire: 'silent', agent: 'info' });
  const { out } = await ask('log-level libbpf=trace warn --json');
  expect(documents(out)).toMatchSnapshot();
});

describe('close', () => {
  test('by id and by the client’s id, stopping at the first it cannot close', async () => {
    for (const id of ['c1', 'c2', 'c3']) agent.connections.put(connectionOf(id));
    expect(await ask('close c1 client-c2 none c3')).toEqual({
      code: 3,
      out: 'Closed c1\nClosed client-c2\n',
      err: "vwire: No connection 'none'\n",
    });
    expect((await ask('close c3 --json')).out).toBe('{"schema":"vwire/v1","kind":"Closed","id":"c3"}\n');
  });

  test('an id that several clients use is refused', async () => {
    for (const id of ['c1', 'c2']) agent.connections.put(connectionOf(id, { clientId: 'nsc-0' }));
    const { code, err } = await ask('close nsc-0');
    expect({ code, err }).toEqual({
      code: 4,
      err: "vwire: 2 clients call a connection 'nsc-0': allowed are c1, c2\n",
    });
  });
});
