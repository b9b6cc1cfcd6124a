// Requests as workloads make them, and the first packets that follow.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { bin } from './traffic.mjs';

const built = (path) => import(new URL(`../../dist/src/${path}`, import.meta.url));

/** Of each server its own, 4,096 of each family: a client may be at all of them, in any order. */
const poolsOf = (server) => [
  `172.${16 + (server >> 4)}.${(server & 15) << 4}.0/20`,
  `fd00:77:${server}::/116`,
];

/** A client of the workload socket, and one of the admin socket for what it is compared with. */
export class Requests {
  #nsm;
  #admin;
  #create;
  #schema;
  #pods = new Map();
  #count = 0;

  /** Offers a service from each of these namespaces first, called after it. */
  static async open(instance, adminSocket, servers) {
    const [{ NsmClient }, { AdminClient }, networkservice, { create }] = await Promise.all([
      built('api/nsm/grpc/client.js'),
      built('api/admin/client.js'),
      built('api/nsm/proto/networkservice_pb.js'),
      import('@bufbuild/protobuf'),
    ]);
    const requests = new Requests();
    requests.#nsm = new NsmClient({ url: `unix:///run/vwire/${instance}/workload/agent.sock` });
    requests.#admin = new AdminClient({ socketPath: adminSocket, instance, timeoutMs: 60_000, signal: null });
    requests.#create = create;
    requests.#schema = networkservice.NetworkServiceRequestSchema;
    for (const [i, server] of servers.entries())
      await requests.#admin.endpoints.add({
        name: `at-${server}`,
        services: [server],
        labels: {},
        netns: `name:${server}`,
        pools: poolsOf(i),
        routes: [],
        mtu: null,
        payload: 'ETHERNET',
      });
    return requests;
  }

  #pod(name) {
    let pod = this.#pods.get(name);
    if (pod === undefined) {
      const fd = openSync(`/run/netns/${name}`);
      const { dev, ino } = fstatSync(fd);
      pod = { fd, inodeURL: `inode://${dev}/${ino}` };
      this.#pods.set(name, pod);
    }
    return pod;
  }

  async #timed(request, fd) {
    const start = performance.now();
    const connection = await this.#nsm.request(request, { pass: [fd], deadline: Date.now() + 60_000 });
    return { ms: performance.now() - start, connection };
  }

  /** A new connection of a pod to a server; how long the answer took, in ms. */
  request(name, interfaceName, server) {
    const { fd, inodeURL } = this.#pod(name);
    const id = `bench-${++this.#count}`;
    const request = this.#create(this.#schema, {
      connection: { id, networkService: server, path: { pathSegments: [{ name: 'bench', id }] } },
      mechanismPreferences: [{ cls: 'LOCAL', type: 'KERNEL', parameters: { name: interfaceName, inodeURL } }],
    });
    return this.#timed(request, fd);
  }

  refresh(name, connection) {
    return this.#timed(this.#create(this.#schema, { connection }), this.#pod(name).fd);
  }

  async close(connection) {
    const start = performance.now();
    await this.#nsm.close(connection, { deadline: Date.now() + 60_000 });
    return performance.now() - start;
  }

  /** What a call costs that does nothing: closing what is not there. */
  async emptyCalls(count) {
    const times = [];
    const { connection } = this.#create(this.#schema, {
      connection: {
        id: 'none',
        networkService: 'web',
        path: { pathSegments: [{ name: 'bench', id: 'none' }] },
      },
    });
    for (let i = 0; i < count; i++) times.push(await this.close(connection));
    return times;
  }

  /** A plain wire between the same pods, asked of the admin socket. */
  async wiresAlone([left, right], count) {
    const end = (netns, address) => ({
      netns: `name:${netns}`,
      identity: null,
      name: 'alone',
      mac: null,
      addresses: [address],
      routes: [],
      neighbors: [],
      policies: [],
    });
    const times = [];
    for (let i = 0; i < count; i++) {
      const start = performance.now();
      const { id } = await this.#admin.add({
        connection: null,
        service: null,
        owner: 'wire',
        left: end(left, '10.99.0.1/24'),
        right: end(right, '10.99.0.2/24'),
        mtu: null,
        datapath: 'auto',
        acceptNoOffload: false,
      });
      times.push(performance.now() - start);
      await this.#admin.remove({ id });
    }
    return times;
  }

  dispose() {
    for (const { fd } of this.#pods.values()) closeSync(fd);
    this.#nsm.dispose();
    this.#admin.close();
  }
}

/** A process in a pod that sends one datagram when it is told an address. */
export class FirstPackets {
  #child;
  #lines;

  constructor(netns) {
    this.#child = spawn('nsenter', [`--net=/run/netns/${netns}`, bin('first-packet')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#child.stdout });
  }

  async ready() {
    await once(this.#lines, 'line');
  }

  /** Microseconds until the answer; Infinity if there was none within a second. */
  async ask(address) {
    const line = once(this.#lines, 'line');
    this.#child.stdin.write(`${address}\n`);
    const [text] = await line;
    return /^\d+$/.test(text) ? Number(text) : Infinity;
  }

  close() {
    this.#child.kill('SIGKILL');
  }
}
