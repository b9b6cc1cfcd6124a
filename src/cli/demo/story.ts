import type { Running, Stage } from './stage.ts';

/** What one scene hands to the next. */
export interface Props {
  agent: Running | null;
  /** Of the connection. */
  id: string;
  /** What a pod's own networking was before anything happened. */
  before: string;
}

export interface Scene {
  title: string;
  /** Lines to show; throws when something it says is untrue. */
  play: (stage: Stage, props: Props) => Promise<string[]>;
}

export async function tell(
  stage: Stage,
  story: readonly Scene[],
  say: (line: string) => void,
): Promise<void> {
  const props: Props = { agent: null, id: '', before: '' };
  for (const [index, { title, play }] of story.entries()) {
    say(`\n${index + 1}. ${title}`);
    for (const line of await play(stage, props)) say(`   ${line}`);
  }
}
