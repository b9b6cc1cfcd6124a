import type { NetworkServiceEndpoint } from '../proto/registry_pb.ts';
import { maxBalances } from './limits.ts';
import type { Matched, RouteCandidates } from './match.ts';

interface Share {
  route: RouteCandidates;
  weight: number;
}

export interface Choice {
  endpoint: NetworkServiceEndpoint;
  /** Where it was found, in words. */
  reason: string;
}

/**
 * The shares of routes: as their weights say, or, where none of them has a weight, as many as each has endpoints,
 * which is NSM's equal turns. Beside a route with a weight one without takes no share.
 */
function sharesOf(routes: readonly RouteCandidates[]): { taking: Share[]; reserve: RouteCandidates[] } {
  const weighted = routes.filter((route) => route.weight > 0);
  if (weighted.length === 0)
    return { taking: routes.map((route) => ({ route, weight: route.endpoints.length })), reserve: [] };
  return {
    taking: weighted.map((route) => ({ route, weight: route.weight })),
    reserve: routes.filter((route) => route.weight === 0),
  };
}

/**
 * Whose turn it is among the endpoints of one service. Without chance: of any run of choices as long as the sum of
 * the weights, each route takes exactly its weight, spread evenly, and the endpoints of a route take turns.
 */
export class Balance {
  /**
   * How much each route is owed, as in smooth weighted round robin, by match and the routes that take part. Clients
   * whose labels lead to other routes keep other accounts, or one could use up another's turns.
   */
  readonly #owed = new Map<string, Map<number, number>>();
  /** By match and route, when each endpoint was last chosen: a new one is next, one that goes shifts nobody. */
  readonly #last = new Map<string, Map<string, number>>();
  #turn = 0;

  /** All endpoints in order to be tried: the one whose turn it is, the rest of its route, the other routes. */
  next(matched: Matched): Choice[] {
    const { match, routes } = matched;
    const { taking, reserve } = sharesOf(routes);
    const chosen = this.#choose(match, taking);
    if (chosen === null) return [];
    const others = taking
      .filter(({ route }) => route !== chosen)
      .sort((a, b) => b.weight - a.weight)
      .map(({ route }) => route);
    const order = [chosen, ...others, ...reserve].flatMap((route) =>
      this.#inTurn(match, route).map((endpoint) => ({ endpoint, reason: reasonOf(matched, route) })),
    );
    const [first] = order;
    this.#turn += 1;
    if (first !== undefined) this.#account(match, chosen).set(first.endpoint.name, this.#turn);
    const tried = new Set<string>();
    return order.filter(({ endpoint: { name } }) => tried.size < tried.add(name).size);
  }

  /** Of an endpoint that is gone. */
  forget(endpoint: string): void {
    for (const last of this.#last.values()) last.delete(endpoint);
  }

  #choose(match: number | null, shares: readonly Share[]): RouteCandidates | null {
    const key = `${match}:${shares.map(({ route }) => route.index).join()}`;
    const owed = this.#owed.get(key) ?? new Map<number, number>();
    this.#owed.delete(key);
    this.#owed.set(key, owed);
    const [oldest] = this.#owed.keys();
    if (this.#owed.size > maxBalances && oldest !== undefined) this.#owed.delete(oldest);
    let best: { route: RouteCandidates; owed: number } | null = null;
    let sum = 0;
    for (const { route, weight } of shares) {
      const now = (owed.get(route.index) ?? 0) + weight;
      owed.set(route.index, now);
      sum += weight;
      if (best === null || now > best.owed) best = { route, owed: now };
    }
    if (best === null) return null;
    owed.set(best.route.index, best.owed - sum);
    return best.route;
  }

  #inTurn(match: number | null, route: RouteCandidates): NetworkServiceEndpoint[] {
    const last = this.#account(match, route);
    const since = (endpoint: NetworkServiceEndpoint): number => last.get(endpoint.name) ?? 0;
    return [...route.endpoints].sort((a, b) => since(a) - since(b));
  }

  #account(match: number | null, { index }: RouteCandidates): Map<string, number> {
    const key = `${match}/${index}`;
    const account = this.#last.get(key) ?? new Map<string, number>();
    this.#last.set(key, account);
    return account;
  }
}

function reasonOf({ match, routes }: Matched, { index, weight }: RouteCandidates): string {
  if (match === null) return 'no matches: each in turn';
  const sum = routes.reduce((total, route) => total + route.weight, 0);
  const share =
    sum === 0 ? 'each in turn' : weight === 0 ? 'no weight, after all others' : `weight ${weight} of ${sum}`;
  return `matches[${match}].routes[${index}]: ${share}`;
}
