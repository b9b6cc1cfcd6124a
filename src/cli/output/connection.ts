import type { ConnectionItem, ConnectionSideItem } from '../../features/connection/api.ts';
import type { Terminal } from '../shell/io.ts';
import { age, remaining } from './age.ts';
import { labelsText } from './labels.ts';
import { toneOfConnection } from './overview.ts';
import { printable, toned } from './style.ts';

const orDash = (text: string): string => (text === '' ? '-' : printable(text));

function sideText(title: string, { mechanism, netns, name, addresses, routes }: ConnectionSideItem): string {
  return [
    `  ${title.padEnd(8)}   ${orDash(mechanism)} ${orDash(name)} in ${orDash(netns)}\n`,
    `    addresses  ${orDash(addresses.join(', '))}\n`,
    `    routes     ${orDash(routes.join(', '))}\n`,
  ].join('');
}

/** What was asked for and what became of it, without its errors. */
export function connectionText(connection: ConnectionItem, now: Date, terminal: Terminal): string {
  const { id, clientId, service, payload, endpoint, reason, labels, path, since, expires, mtu } = connection;
  const state = toned(connection.state, toneOfConnection[connection.state], terminal);
  const rows = [
    ['id', id],
    ['service', `${service} (${payload})`],
    ['endpoint', endpoint === '' ? '' : `${endpoint}: ${reason}`],
    ['labels', labelsText(labels)],
    ['path', path.map((segment) => `${segment.name} (${segment.id})`).join(' -> ')],
    ['since', `${since} (${age(since, now)})`],
    ['expires', expires === null ? 'never' : `${expires} (${remaining(expires, now)})`],
    ['mtu', `${mtu} bytes`],
  ];
  return [
    `${toned(`Connection ${printable(clientId)}`, 'strong', terminal)}  ${state}\n`,
    ...rows.map(([name = '', text = '']) => `  ${name.padEnd(9)}  ${orDash(text)}\n`),
    sideText('client', connection.left),
    sideText('endpoint', connection.right),
  ].join('');
}
