import type { MatchSpec, ServiceSpec } from '../../features/connection/api.ts';
import type { Terminal } from '../shell/io.ts';
import { labelsText } from './labels.ts';
import { printable, toned } from './style.ts';
import { cell, tableText } from './table.ts';

const orAll = (labels: Readonly<Record<string, string>>): string => {
  const text = labelsText(labels);
  return text === '' ? '*' : text;
};

/** `app=client -> app=firewall (weight 3) | *, or on to the next`. */
function matchText({ source, routes, fallthrough, metadata }: MatchSpec): string {
  const to = routes.map(
    ({ destination, weight }) => `${orAll(destination)}${weight === 0 ? '' : ` (weight ${weight})`}`,
  );
  const endpoints = to.length > 0 ? to.join(' | ') : metadata === null ? 'nobody' : '*';
  const by = metadata === null ? '' : `, by forwarders ${orAll(metadata)}`;
  return `${orAll(source)} -> ${endpoints}${by}${fallthrough ? ', or on to the next' : ''}`;
}

/** No match at all lets every client have every endpoint. */
const matchTexts = ({ matches }: ServiceSpec): string[] =>
  matches.length === 0 ? ['* -> *'] : matches.map(matchText);

/** Everything about one service, for a person. */
export function serviceText(service: ServiceSpec, terminal: Terminal): string {
  const matches = matchTexts(service).map(
    (text, at) => `  ${String(at + 1).padStart(2)}  ${printable(text)}\n`,
  );
  const title = toned(`Service ${printable(service.name)}`, 'strong', terminal);
  return `${title}  ${printable(service.payload)}\n${matches.join('')}`;
}

export const serviceListText = async (
  services: readonly ServiceSpec[],
  terminal: Terminal,
): Promise<string> =>
  tableText(
    ['NAME', 'PAYLOAD', 'CLIENTS -> ENDPOINTS'],
    services.map((service) => [
      cell(service.name),
      cell(service.payload),
      cell(matchTexts(service).join('; ')),
    ]),
    terminal,
  );
