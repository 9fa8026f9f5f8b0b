/**
 * The cache of unpacked packages, outside the tree so that checkouts share it.
 *
 * A folder in the cache is complete or absent: it is built under a temporary name and renamed at
 * the end, so a killed download leaves nothing that a later run could take for finished. One
 * process builds at a time; the others wait and use what it made.
 */
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { withLock } from './file-lock.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export function cacheDirectory(env: Environment): string {
  const base = env['XDG_CACHE_HOME'];
  return join(
    base === undefined || base === '' ? join(env['HOME'] ?? homedir(), '.cache') : base,
    'millrace',
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export interface CacheEntry {
  readonly cacheDir: string;
  readonly name: string;
  log(line: string): void;
  readonly signal: AbortSignal;
  /** How long to wait for another process that builds the same; ten minutes unless told. */
  readonly waitMs?: number;
}

/** What a killed builder left behind; only called under the lock, so no builder is alive. */
async function removeUnfinished(cacheDir: string, prefix: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (name.startsWith(prefix)) await rm(join(cacheDir, name), { recursive: true, force: true });
  }
}

/** The folder of that name, built by `build` if it is not there yet. */
export async function cached(
  entry: CacheEntry,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(entry.cacheDir, entry.name);
  if (await exists(folder)) return folder;

  await mkdir(entry.cacheDir, { recursive: true });
  const lock = {
    waitMs: entry.waitMs ?? 600_000,
    signal: entry.signal,
    onWait: (pid: number) =>
      entry.log(`waiting for process ${String(pid)}, which is filling the cache`),
  };
  return withLock(`${folder}.lock`, lock, async () => {
    if (await exists(folder)) return folder;
    const prefix = `.${entry.name}.building-`;
    await removeUnfinished(entry.cacheDir, prefix);
    const draft = await mkdtemp(join(entry.cacheDir, prefix));
    try {
      await build(draft);
      await rename(draft, folder);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      throw error;
    }
    return folder;
  });
}
