/** Key rings for tests: the keys of an id are always the same, and no two ids have one in common. */
import { createHash } from 'node:crypto';
import { systemClock } from '@millrace/kit/clock';
import { keyRingReader, type KeyRingReader } from '../src/sealing/key-ring.ts';

/** Text of SEALING_KEYS; the first id is the active one. */
export function sealingKeys(active: string, ...others: readonly string[]): string {
  const key = (name: string): string => createHash('sha256').update(name).digest('base64');
  const entry = (id: string, use: string) =>
    [id, { use, seal: key(`seal ${id}`), index: key(`index ${id}`) }] as const;
  return JSON.stringify(
    Object.fromEntries([entry(active, 'active'), ...others.map((id) => entry(id, 'decrypt-only'))]),
  );
}

export function fixedKeys(active: string, ...others: readonly string[]): KeyRingReader {
  const text = sealingKeys(active, ...others);
  return keyRingReader({ read: () => text, clock: systemClock });
}
