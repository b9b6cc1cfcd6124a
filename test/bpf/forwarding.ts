import { Direction, DropReason, HopAct, type Hop } from '../../maps/layouts.gen.ts';
import type { Counts } from './hop-object.ts';

/** `own` is for devices of ours, `guest` for any other. */
export const entryPoints = ['own', 'guest'] as const;
export type EntryPoint = (typeof entryPoints)[number];

/** In words that fit both hooks: `next` is TC_ACT_UNSPEC or XDP_PASS. */
export type Verdict = 'drop' | 'next' | 'redirect';

export interface Case {
  description: string;
  /** null: the device has no entry. */
  hop: Partial<Hop> | null;
  verdict: Record<EntryPoint, Verdict>;
  forwarded: Counts['forwarded'];
  drops: Record<EntryPoint, Counts['drops']>;
}

export const FRAME_BYTES = 60n;
/** The redirect target of every case; the devmap of xdp_hop holds it. */
export const OUT = 1;

const both = <T>(value: T): Record<EntryPoint, T> => ({ own: value, guest: value });

const once = { packets: 1n, segments: 1n, bytes: FRAME_BYTES };
const right = { wire: 7, direction: Direction.LEFT_TO_RIGHT, out: OUT };
const left = { wire: 7, direction: Direction.RIGHT_TO_LEFT, out: OUT };

const drop = (description: string, hop: Partial<Hop>, reason: keyof typeof DropReason): Case => ({
  description,
  hop: { ...left, ...hop },
  verdict: both('drop'),
  forwarded: {},
  drops: both({ [`7/RIGHT_TO_LEFT/${reason}`]: 1n }),
});

/** What tc_hop and xdp_hop must agree on. */
export const cases: readonly Case[] = [
  {
    description: 'no entry: a fault on a device of ours, none of our business on another',
    hop: null,
    verdict: { own: 'drop', guest: 'next' },
    forwarded: {},
    drops: { own: { '0/LEFT_TO_RIGHT/DROP_NO_HOP': 1n }, guest: {} },
  },
  {
    description: 'REDIRECT, left to right',
    hop: { ...right, act: HopAct.HOP_REDIRECT },
    verdict: both('redirect'),
    forwarded: { '7/LEFT_TO_RIGHT': once },
    drops: both({}),
  },
  {
    description: 'REDIRECT, right to left',
    hop: { ...left, act: HopAct.HOP_REDIRECT },
    verdict: both('redirect'),
    forwarded: { '7/RIGHT_TO_LEFT': once },
    drops: both({}),
  },
  {
    description: 'PEER',
    hop: { ...right, act: HopAct.HOP_PEER },
    verdict: both('redirect'),
    forwarded: { '7/LEFT_TO_RIGHT': once },
    drops: both({}),
  },
  {
    description: 'PASS',
    hop: { ...right, act: HopAct.HOP_PASS },
    verdict: both('next'),
    forwarded: {},
    drops: both({}),
  },
  ...(Object.keys(DropReason) as (keyof typeof DropReason)[]).map((reason) =>
    drop(`DROP counts its reason ${reason}`, { act: HopAct.HOP_DROP, reason: DropReason[reason] }, reason),
  ),
  drop('ENCAP is not for this program', { act: HopAct.HOP_ENCAP }, 'DROP_UNKNOWN_ACT'),
  drop('BRIDGE is not for this program', { act: HopAct.HOP_BRIDGE }, 'DROP_UNKNOWN_ACT'),
  drop('RELAY is not for this program', { act: HopAct.HOP_RELAY }, 'DROP_UNKNOWN_ACT'),
  drop('an act of a later version', { act: 99 as HopAct }, 'DROP_UNKNOWN_ACT'),
  drop('an act that is all ones', { act: 0xffffffff as HopAct }, 'DROP_UNKNOWN_ACT'),
];
