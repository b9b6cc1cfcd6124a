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
  const parsed = nodeRecord.safeParse(JSON.parse(text));
  if (!parsed.success) return { differs: 'another schema' };
  if (parsed.data.bootId !== now.bootId) return { differs: 'an earlier boot' };
  if (parsed.data.netns !== now.netns) return { differs: 'another network namespace' };
  return 'same';
}
