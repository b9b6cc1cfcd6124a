/** Children of a node; their states fit the bits of one integer. */
const digitBits = 5;
const digit = BigInt(digitBits);

interface Node {
  /** Bit n: everything below child n is in the set. */
  full: number;
  /** Null at the lowest level. A child that is missing is empty or full, as its bit says. */
  children: Map<number, Node> | null;
}

/**
 * A set of numbers below 2^bits. Adding, removing and finding the lowest number that is missing take a step
 * per five bits, whatever the set holds; memory grows with what is in it, not with what could be.
 */
export class NumberSet {
  readonly #levels: number;
  readonly #root: Node;
  #size = 0;

  constructor(bits: number) {
    this.#levels = Math.max(1, Math.ceil(bits / digitBits));
    this.#root = nodeAt(this.#levels - 1, 0);
    // The top digit may have fewer values: the others count as taken.
    const top = 2 ** (bits - (this.#levels - 1) * digitBits);
    if (top < 32) this.#root.full = -1 << top;
  }

  get size(): number {
    return this.#size;
  }

  has(number: bigint): boolean {
    let node: Node = this.#root;
    for (let level = this.#levels - 1; ; level -= 1) {
      const at = digitOf(number, level);
      if ((node.full & (1 << at)) !== 0) return true;
      const child = node.children?.get(at);
      if (child === undefined) return false;
      node = child;
    }
  }

  /** False if it was there already. */
  add(number: bigint): boolean {
    if (this.has(number)) return false;
    add(this.#root, this.#levels - 1, number);
    this.#size += 1;
    return true;
  }

  /** False if it was not there. */
  delete(number: bigint): boolean {
    if (!this.has(number)) return false;
    remove(this.#root, this.#levels - 1, number);
    this.#size -= 1;
    return true;
  }

  /** The lowest number from `from` on that is not in the set; null if all are. */
  firstMissing(from: bigint): bigint | null {
    return search(this.#root, this.#levels - 1, from);
  }
}

const nodeAt = (level: number, full: number): Node => ({ full, children: level === 0 ? null : new Map() });

const digitOf = (number: bigint, level: number): number =>
  Number((number >> (BigInt(level) * digit)) & ((1n << digit) - 1n));

function add(node: Node, level: number, number: bigint): void {
  const at = digitOf(number, level);
  if (node.children === null) {
    node.full |= 1 << at;
    return;
  }
  const child = node.children.get(at) ?? nodeAt(level - 1, 0);
  add(child, level - 1, number);
  if (child.full === -1) {
    node.full |= 1 << at;
    node.children.delete(at);
  } else node.children.set(at, child);
}

function remove(node: Node, level: number, number: bigint): void {
  const at = digitOf(number, level);
  node.full &= ~(1 << at);
  if (node.children === null) return;
  // One that was full is not kept, so it is made again.
  const child = node.children.get(at) ?? nodeAt(level - 1, -1);
  remove(child, level - 1, number);
  if (child.full === 0 && (child.children === null || child.children.size === 0)) node.children.delete(at);
  else node.children.set(at, child);
}

/** At most one child per level is searched in vain: the one that `from` itself lies in. */
function search(node: Node, level: number, from: bigint): bigint | null {
  const shift = BigInt(level) * digit;
  const first = Number(from >> shift);
  if (first > 31) return null;
  for (let missing = ~node.full & (-1 << first); missing !== 0; missing &= missing - 1) {
    const at = 31 - Math.clz32(missing & -missing);
    const rest = at === first ? from & ((1n << shift) - 1n) : 0n;
    const child = node.children?.get(at);
    const below = child === undefined ? rest : search(child, level - 1, rest);
    if (below !== null) return (BigInt(at) << shift) | below;
  }
  return null;
}
