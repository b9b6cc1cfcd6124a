import { formatCidr } from '../../../net/cidr.ts';
import { findByIndex } from '../../../net/device.ts';
import type { NetlinkError } from '../../../net/error.ts';
import { RT_TABLE_MAIN, type Route, type RouteSpec } from '../../../net/route.ts';
import { listRoutes } from '../../../net/routes.ts';
import type { NetlinkSocket } from '../../../net/socket.ts';
import { Failure } from '../../failure.ts';
import { nameOf, type Piece, routeSlot } from './pieces.ts';

/** A route to the same destination that has the place, if it can be found. */
function rival(socket: NetlinkSocket, route: RouteSpec): Route | undefined {
  return listRoutes(socket, route.family, route.table).find((r) => routeSlot(r) === routeSlot(route));
}

/** Who has the place of a route, in words. */
function holderOf(socket: NetlinkSocket, { dst, table }: RouteSpec, taken: Route | undefined): string {
  const what = dst === null ? 'default route' : `route to ${formatCidr(dst)}`;
  const where = table === RT_TABLE_MAIN ? '' : ` in table ${table}`;
  if (taken === undefined) return `there is a ${what}${where} already`;
  const ifindex = taken.oif ?? taken.nexthops[0]?.oif ?? null;
  if (ifindex === null) return `there is a ${taken.type} ${what}${where} already`;
  const name = findByIndex(socket, ifindex)?.name ?? ifindex;
  return `interface '${name}' has a ${what}${where} already`;
}

/** What the kernel said of one piece, in the terms of whoever asked for it. */
export function refusalOf(socket: NetlinkSocket, piece: Piece, cause: NetlinkError, netns: string): Failure {
  const { field, value } = piece;
  if (piece.kind === 'route' && cause.code === 'EEXIST') {
    const holder = holderOf(socket, piece.route, rival(socket, piece.route));
    return new Failure('refused', `${field} is '${value}': ${holder}`, {
      field,
      value,
      allowed: `a prefix that nothing in '${netns}' routes yet`,
      cause,
    });
  }
  return new Failure('refused', `${field} is '${value}': the kernel refuses it: ${cause.message}`, {
    field,
    value,
    allowed: `${nameOf(piece).split(' ', 1)[0] ?? ''} that the kernel takes in '${netns}'`,
    cause,
  });
}
