/** Who registers. What one owner registered is not another's to change while that one is there. */
export interface Registrant {
  /** Such as `netns:4/4026532000`, or `agent` for itself. */
  owner: string;
  /** May replace what is another's, and has no limit of its own. */
  trusted?: boolean;
  /** The process that registered is known to have ended: its names are free before their time. */
  isGone?: () => boolean;
}

/** The agent itself, for what it answers for: who takes no name that a workload has. */
export const agentOwner = 'agent';
