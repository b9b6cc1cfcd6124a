import { hostname } from 'node:os';

/** Where the agent of this node listens for workloads, unless NSM_CONNECT_TO says otherwise. */
export const agentUrl = (given: string | undefined): string =>
  given ?? setting('NSM_CONNECT_TO') ?? 'unix:///run/vwire/default/workload/agent.sock';

/** What this process is called in paths: NSM_NAME, or one that no other process has. */
export const processName = (given: string | undefined): string =>
  given ?? setting('NSM_NAME') ?? `${hostname()}-${process.pid}`;

const setting = (name: string): string | null => {
  const text = process.env[name] ?? '';
  return text === '' ? null : text;
};

/** What an endpoint of this process is called: NSM_NAME, or one that no other endpoint has. */
export const endpointName = (given: string | undefined, service: string): string =>
  given ?? setting('NSM_NAME') ?? `${service}-${hostname()}-${process.pid}`;
