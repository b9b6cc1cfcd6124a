import type { Family } from './ip.ts';
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, type Request } from './message.ts';
import {
  decodeRoute,
  encodeRoute,
  encodeRouteFilter,
  RTM_DELROUTE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  routeText,
  type Route,
  type RouteSpec,
} from './route.ts';
import { NetlinkError } from './error.ts';
import type { NetlinkSocket } from './socket.ts';

/** Routes in the namespace of the socket they are asked through. */
const ENOENT = 2;

function request(op: string, type: number, flags: number, route: RouteSpec): Request {
  return { op, object: routeText(route), type, flags, body: encodeRoute(route) };
}

export const addRouteRequest = (route: RouteSpec): Request =>
  request('Add route', RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);

/** EEXIST when there is one to the same destination with the same metric. */
export function addRoute(socket: NetlinkSocket, route: RouteSpec): void {
  socket.request(addRouteRequest(route));
}

export const replaceRouteRequest = (route: RouteSpec): Request =>
  request('Replace route', RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);

/** Adds, or takes the place of one to the same destination with the same metric, whoever's it is. */
export function replaceRoute(socket: NetlinkSocket, route: RouteSpec): void {
  socket.request(replaceRouteRequest(route));
}

export const deleteRouteRequest = (route: RouteSpec): Request =>
  request('Delete route', RTM_DELROUTE, 0, route);

/** ESRCH when there is none. */
export function deleteRoute(socket: NetlinkSocket, route: RouteSpec): void {
  socket.request(deleteRouteRequest(route));
}

/**
 * Of one table, or of all (null); of one outgoing device, or of all. A table nobody has used yet is empty.
 */
export function listRoutes(
  socket: NetlinkSocket,
  family: Family,
  table: number | null,
  oif: number | null = null,
): Route[] {
  try {
    const replies = socket.dump({
      op: 'List routes',
      object: table === null ? 'all tables' : `table ${table}`,
      type: RTM_GETROUTE,
      flags: 0,
      body: encodeRouteFilter(family, table, oif),
    });
    // Without IPv6 the kernel answers a question for IPv6 with all families.
    return replies
      .map((reply) => decodeRoute(reply.body))
      .filter((route) => route !== null)
      .filter((route) => route.family === family);
  } catch (error) {
    if (error instanceof NetlinkError && error.errno === ENOENT) return [];
    throw error;
  }
}
