import type { EndpointItem } from '../../features/connection/api.ts';
import type { Terminal } from '../shell/io.ts';
import { remaining } from './age.ts';
import { labelsText } from './labels.ts';
import { printable, toned } from './style.ts';
import { type Cell, cell, number, tableText } from './table.ts';

const where = ({ url, netns }: EndpointItem): string => netns ?? url;

const poolsText = ({ pools }: EndpointItem): string =>
  pools.map(({ prefix, used }) => `${prefix} (${used} used)`).join(', ');

/** One set of labels where all services have the same, else each behind its service. */
function allLabels({ services, labels }: EndpointItem): string {
  const sets = services.map((service) => ({ service, text: labelsText(labels[service] ?? {}) }));
  const [first] = sets;
  if (first === undefined || sets.every(({ text }) => text === first.text)) return first?.text ?? '';
  return sets.map(({ service, text }) => `${service}: ${text === '' ? '-' : text}`).join('; ');
}

const expiry = ({ expires }: EndpointItem, now: Date): string =>
  expires === null ? 'never' : remaining(expires, now);

const orDash = (text: string): string => (text === '' ? '-' : printable(text));

/** Everything about one endpoint, for a person. */
export function endpointText(endpoint: EndpointItem, now: Date, terminal: Terminal): string {
  const rows = [
    ['services', endpoint.services.join(', ')],
    ['labels', allLabels(endpoint)],
    [endpoint.hosted ? 'netns' : 'url', where(endpoint)],
    ['pools', poolsText(endpoint)],
    ['connections', String(endpoint.connections)],
    ['expires', expiry(endpoint, now)],
  ];
  const title = `${toned(`Endpoint ${printable(endpoint.name)}`, 'strong', terminal)}\n`;
  return title + rows.map(([name = '', text = '']) => `  ${name.padEnd(11)}  ${orDash(text)}\n`).join('');
}

function row(endpoint: EndpointItem, now: Date): Cell[] {
  return [
    cell(endpoint.name),
    cell(endpoint.services.join(',')),
    cell(allLabels(endpoint)),
    cell(where(endpoint)),
    cell(poolsText(endpoint)),
    number(endpoint.connections),
    cell(expiry(endpoint, now)),
  ];
}

export const endpointListText = async (
  endpoints: readonly EndpointItem[],
  now: Date,
  terminal: Terminal,
): Promise<string> =>
  tableText(
    ['NAME', 'SERVICES', 'LABELS', 'WHERE', 'POOLS', 'CONNECTIONS', 'EXPIRES'],
    endpoints.map((endpoint) => row(endpoint, now)),
    terminal,
  );
