import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readFileIfAny, replaceFile } from './files.ts';

const nodeRecord = z.object({
  schema: z.literal(1),
  /** Devices and pins die with the boot, so nothing older than it is adopted. */
  bootId: z.string(),
  /** Inode of the agent's network namespace: ifindexes mean nothing in another one. */
  netns: z.number(),
});
export type NodeRecord = z.infer<typeof nodeRecord>;

export function currentNode(): NodeRecord {
  return {
    schema: 1,
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    netns: statSync('/proc/self/ns/net').ino,
  };
}

const file = (instanceDirectory: string): string => join(instanceDirectory, 'state', 'node.json');

export function writeNode(instanceDirectory: string, node: NodeRecord): void {
  replaceFile(file(instanceDirectory), `${JSON.stringify(node)}\n`);
}

/** A damaged file does not tell whether what it speaks for is of this boot, and guessing could remove living wires. */
function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(
      `State file '${path}' is damaged: remove it if what the instance left is of this boot and network namespace, ` +
        'or the whole directory if it is not',
      { cause },
    );
  }
}

/**
 * What an earlier agent left under this name: nothing, something of this boot and namespace, or
 * something that must not be adopted, with the reason.
 */
export function earlierNode(
  instanceDirectory: string,
  now: NodeRecord,
): 'none' | 'same' | { differs: string } {
  const text = readFileIfAny(file(instanceDirectory));
  if (text === null) return 'none';
  const parsed = nodeRecord.safeParse(parseJson(file(instanceDirectory), text));
  if (!parsed.success) return { differs: 'another schema' };
  if (parsed.data.bootId !== now.bootId) return { differs: 'an earlier boot' };
  if (parsed.data.netns !== now.netns) return { differs: 'another network namespace' };
  return 'same';
}
