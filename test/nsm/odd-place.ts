import type { Agent } from '../../src/agent.ts';
import type { Connection } from '../../src/api/nsm/proto/connection_pb.ts';
import { Pods } from '../pods.ts';
import { Node } from '../wire/node.ts';
import { Asker } from './asker.ts';
import { OddEndpoint, sane } from './odd-endpoint.ts';

interface Opened {
  agent: Agent;
  asker: Asker;
  endpoint: OddEndpoint;
}

/** A client's pod, and one with an endpoint that answers as a test wants. The test closes it. */
export class OddPlace {
  readonly pods = new Pods();
  readonly node = new Node();
  readonly client = this.pods.make('client');
  readonly server = this.pods.make('server');
  #opened: Opened | null = null;

  async open(): Promise<Opened> {
    const agent = await this.node.start();
    const [url = ''] = agent.urls;
    const asker = new Asker(url);
    const endpoint = await new OddEndpoint(url, this.server).open();
    return (this.#opened = { agent, asker, endpoint });
  }

  /** The endpoint answers sensibly again, and nobody is connected. */
  async clear(): Promise<void> {
    if (this.#opened === null) return;
    const { agent, endpoint } = this.#opened;
    endpoint.odd = sane;
    for (const { id } of agent.connections?.list() ?? []) await agent.connections?.close(id);
  }

  /** The client reaches the endpoint. */
  talks({ context }: Connection): void {
    const [peer = ''] = context?.ipContext?.dstIpAddrs ?? [];
    this.pods.exec(this.client, 'ping', '-n', '-c', '1', '-W', '3', peer.replace(/\/.*/, ''));
  }

  async close(): Promise<void> {
    this.#opened?.asker.dispose();
    await this.#opened?.endpoint.close();
    await this.node.close();
    this.pods.close();
  }
}
