/** Calls back when a source file below a folder changes, once for a burst of changes. */
import { watch } from 'node:fs';

const quietMs = 300;

export function watchSource(
  folder: string,
  signal: AbortSignal,
  changed: () => Promise<void>,
): void {
  let timer: NodeJS.Timeout | undefined;
  watch(folder, { recursive: true, signal }, (_event, name) => {
    if (name === null || !/\.(ts|json|sql)$/.test(name) || name.endsWith('.test.ts')) return;
    clearTimeout(timer);
    timer = setTimeout(() => void changed().catch(() => undefined), quietMs);
  }).on('error', () => undefined);
}
