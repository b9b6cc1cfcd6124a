import { Failure } from '../../features/failure.ts';
import { type LogLevel, logLevels } from '../../log-levels.ts';
import { goDurationOf } from './go-duration.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** One entry of NSM_NETWORK_SERVICES. */
export interface NsmService {
  service: string;
  interface: string | null;
  labels: Record<string, string>;
}

/** What NSM's own client would have been told by its environment. */
export interface NsmEnv {
  name: string | null;
  connectTo: string | null;
  labels: Record<string, string>;
  services: NsmService[];
  /** For one attempt; null is not said. */
  requestTimeoutMs: number | null;
  /** For one attempt to connect to the agent; null is not said. */
  dialTimeoutMs: number | null;
  /** How long a held connection outlives its holder; null is not said. */
  maxTokenLifetimeMs: number | null;
  log: LogLevel | null;
}

const services = 'kernel://SERVICE[/INTERFACE][?KEY=VALUE&..], separated by commas';

function invalid(name: string, value: string, what: string, allowed: string): Failure {
  return new Failure('invalid', `${name} is '${value}': ${what}: it takes ${allowed}`, {
    field: name,
    value,
    allowed,
  });
}

const said = (env: Env, name: string): string | null => {
  const text = env[name] ?? '';
  return text === '' ? null : text;
};

/** `kernel://service@domain/interface?label=value`: the service is all before the path. */
function serviceOf(text: string): NsmService {
  const name = 'NSM_NETWORK_SERVICES';
  if (!URL.canParse(text)) throw invalid(name, text, 'it is no URL', services);
  const url = new URL(text);
  if (url.protocol !== 'kernel:')
    throw invalid(name, text, `mechanism '${url.protocol.slice(0, -1)}' is not supported`, services);
  const user = decodeURIComponent(url.username);
  const host = decodeURIComponent(url.hostname);
  if (host === '') throw invalid(name, text, 'it names no service', services);
  const labels: Record<string, string> = {};
  for (const key of url.searchParams.keys()) labels[key] = url.searchParams.getAll(key).join(',');
  const last = decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
  return {
    service: user === '' ? host : `${user}@${host}`,
    interface: last === '' ? null : last,
    labels,
  };
}

/** `key:value,key:value`; older manifests write `=`. */
function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of text.split(',')) {
    const at = pair.search(/[:=]/);
    if (at < 1) throw invalid('NSM_LABELS', text, `'${pair}' is no label`, 'KEY:VALUE, separated by commas');
    labels[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
  }
  return labels;
}

/** What NSM calls its levels: those of logrus. */
const levelNames: Readonly<Record<string, LogLevel>> = { warning: 'warn', panic: 'fatal' };

function levelOf(text: string): LogLevel {
  const word = text.toLowerCase();
  const level = logLevels.find((known) => known === (levelNames[word] ?? word));
  if (level !== undefined) return level;
  throw invalid('NSM_LOG_LEVEL', text, 'it is not known', 'TRACE, DEBUG, INFO, WARN, ERROR, FATAL');
}

/** Where the client is, which services choose endpoints by: NSM's client tells it the same way. */
const places = { NODE_NAME: 'nodeName', POD_NAME: 'podName', CLUSTER_NAME: 'clusterName' } as const;

/** Throws Failure for what is said and cannot be right. */
export function nsmEnvOf(env: Env): NsmEnv {
  const labels = said(env, 'NSM_LABELS');
  const requested = said(env, 'NSM_NETWORK_SERVICES');
  const level = said(env, 'NSM_LOG_LEVEL');
  const duration = (name: string): number | null => {
    const text = said(env, name);
    return text === null ? null : goDurationOf(name, text);
  };
  const dialTimeoutMs = duration('NSM_DIAL_TIMEOUT');
  if (dialTimeoutMs === 0)
    throw invalid(
      'NSM_DIAL_TIMEOUT',
      said(env, 'NSM_DIAL_TIMEOUT') ?? '',
      'nobody connects in no time',
      'more than 0s',
    );
  const here = Object.entries(places).flatMap(([name, label]) => {
    const value = said(env, name);
    return value === null ? [] : [[label, value] as const];
  });
  return {
    name: said(env, 'NSM_NAME'),
    connectTo: said(env, 'NSM_CONNECT_TO'),
    labels: { ...Object.fromEntries(here), ...(labels === null ? {} : labelsOf(labels)) },
    services: requested === null ? [] : requested.split(',').map((text) => serviceOf(text.trim())),
    requestTimeoutMs: duration('NSM_REQUEST_TIMEOUT'),
    dialTimeoutMs,
    maxTokenLifetimeMs: duration('NSM_MAX_TOKEN_LIFETIME'),
    log: level === null ? null : levelOf(level),
  };
}
