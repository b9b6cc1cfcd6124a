/** The wire feature as its callers (gRPC, CLI, later NSM) see it. */

/** `auto` lets the table of rules in the dataplane choose; the others force it or fail. */
export const datapathChoices = ['auto', 'tcx', 'clsact', 'xdp'] as const;
export type DatapathChoice = (typeof datapathChoices)[number];
export type Datapath = Exclude<DatapathChoice, 'auto'>;

export interface RouteSpec {
  /** CIDR, v4 or v6; the host part is cut off. A length of 0 is the default route. */
  prefix: string;
  /** Gateway of the same family, taken to be on the link; null: the destination itself is on the link. */
  via: string | null;
}

export interface NeighborSpec {
  /** IP address. */
  address: string;
  mac: string;
}

/** Packets that match all that is not null take the routes of a table of their own. */
export interface PolicySpec {
  /**
   * Source prefix, CIDR, matched as a whole whatever its host part: as the kernel does with NSM's. The interface need
   * not have an address in it. Also tells the family, else the routes do, else it is v4.
   */
  from: string | null;
  /** IP protocol by its number, in decimal: '6' is TCP, '17' UDP. */
  ipProto: string | null;
  /** Source port or range: '5555' or '6667-6670'. */
  sport: string | null;
  /** Destination port or range. */
  dport: string | null;
  /** None is a default route over the interface. */
  routes: readonly RouteSpec[];
}

/** All that IP is to know of one side's interface. */
export interface IpSpec {
  /** CIDR, v4 or v6, host part kept. */
  addresses: readonly string[];
  routes: readonly RouteSpec[];
  neighbors: readonly NeighborSpec[];
  policies: readonly PolicySpec[];
}

export interface SideSpec extends IpSpec {
  /** `pid:N`, `name:N`, `path:P` or bare. */
  netns: string;
  /** The namespace that `netns` has to lead to, as stat tells it of its file; null takes what it leads to. */
  identity: { readonly dev: number; readonly inode: number } | null;
  /** Interface name in the namespace; null picks the first free of vwire0, vwire1, ... */
  name: string | null;
  /** Locally chosen when null. */
  mac: string | null;
}

/** Who keeps a wire: whoever asked for it as such, or an NSM connection. */
export const wireOwners = ['wire', 'connection'] as const;
export type WireOwner = (typeof wireOwners)[number];

export interface WireSpec {
  /** The caller's own name for it; null takes `wire-ID`. Unique among open wires. */
  connection: string | null;
  /** The network service it carries; null for a wire that carries none. */
  service: string | null;
  owner: WireOwner;
  left: SideSpec;
  right: SideSpec;
  /** Bytes, of all four ends; null is 1500. */
  mtu: number | null;
  datapath: DatapathChoice;
  /** Needed for xdp between veths: it breaks checksum offload in the pods. */
  acceptNoOffload: boolean;
}

/** What is null stays as it is. */
export interface WireChange {
  mtu: number | null;
  datapath: DatapathChoice | null;
  /** The whole set that is wanted; only what differs is touched. */
  left: IpSpec | null;
  right: IpSpec | null;
}

/** What changes along with a side that is put elsewhere. What is null stays as it is. */
export interface MoveChange {
  mtu: number | null;
  /** All that IP is to know of the other side's interface. */
  far: IpSpec | null;
}

/** How a wire is named in a request: its id, or the caller's own name for it. */
export type WireName = { id: number } | { connection: string };

/**
 * opening: being set up, or found half-made; open: forwards; closing: drops; down: a port is down or
 * its namespace is gone; orphan: forwards, but nobody asks for it any more and it will be removed.
 */
export type WireState = 'opening' | 'open' | 'closing' | 'down' | 'orphan';

export interface PortItem {
  netns: string;
  name: string;
  /** 0 of a side that has no devices: its namespace has ended, or it could not be put elsewhere. */
  ifindex: number;
  mac: string;
  /** Of the device in the agent's namespace. */
  host: { name: string; ifindex: number };
  addresses: readonly string[];
}

export interface HopItem {
  from: string;
  to: string;
  datapath: Datapath;
  /** Why this datapath. */
  reason: string;
  /** What the kernel's entry says now: `peer`, `redirect`, `drop: port_down`, or `missing`. */
  action: string;
}

export interface CounterItem {
  packets: bigint;
  segments: bigint;
  bytes: bigint;
  /** Reason to packets; only what happened. */
  dropped: Readonly<Record<string, bigint>>;
}

export interface WireItem {
  id: number;
  connection: string;
  service: string | null;
  owner: WireOwner;
  state: WireState;
  /** ISO 8601, when it was opened. */
  since: string;
  mtu: number;
  left: PortItem;
  right: PortItem;
  hops: readonly HopItem[];
  counters: { leftToRight: CounterItem; rightToLeft: CounterItem };
}

export interface WireEvent {
  /** ISO 8601. */
  at: string;
  type:
    | 'added'
    | 'updated'
    | 'removed'
    | 'adopted'
    | 'orphaned'
    | 'port_down'
    | 'port_up'
    | 'port_lost'
    | 'failed';
  wire: number;
  connection: string;
  detail: string;
}

/** Who a wire is of and how it stands. */
export interface WireOutline extends Pick<WireItem, 'id' | 'connection' | 'owner' | 'state'> {
  /** The side that is nowhere for the time being. */
  readonly lost: 'left' | 'right' | null;
}

/** Every method throws Failure. A promise settles when the kernel has confirmed. */
export interface Wires {
  /** Settles when the first packet would arrive at once. */
  add(spec: WireSpec): Promise<WireItem>;
  update(name: WireName, change: WireChange): Promise<WireItem>;
  /**
   * Puts one side elsewhere, as when another endpoint takes over. The other side's interface stays, and is told what
   * `along` says. What is refused has changed nothing. If the kernel refuses the new side when the old one has gone,
   * that one is made again where it was; where it cannot be, the wire is down and has the other side only, until this
   * is asked again or the wire is removed.
   */
  moveSide(name: WireName, side: 'left' | 'right', to: SideSpec, along?: MoveChange): Promise<WireItem>;
  /** Brings back what somebody took away from its interfaces of what they were told, and touches nothing else. */
  restore(name: WireName): Promise<void>;
  /** Settles when the devices are gone. */
  remove(name: WireName): Promise<void>;
  list(): WireItem[];
  /** The same without what has to be read from the kernel, in no order. */
  outlines(): WireOutline[];
  /** Calls back until the returned function is called. */
  subscribe(listener: (event: WireEvent) => void): () => void;
}
