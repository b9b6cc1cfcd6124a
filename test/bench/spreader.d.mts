// Types of spreader.mjs, for its tests.
export interface Count {
  packets: bigint;
  segments: bigint;
  bytes: bigint;
}

export interface Decision {
  at: number;
  name: 'off' | 'trial' | 'on';
}

export class End {
  constructor(steer: (mask: number) => void);
  readonly decisions: readonly Decision[];
  look(count: Count, at: number, idlest: { cpu: number; idle: number }): void;
  stop(): void;
}
