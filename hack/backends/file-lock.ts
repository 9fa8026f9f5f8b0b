/**
 * A lock between processes: a file that names its holder. A holder that died, even by kill -9, is
 * recognised by pid and start time and its lock is taken over, so nobody has to clean up by hand.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

export interface LockOptions {
  readonly waitMs: number;
  /** Called once when somebody else holds the lock. */
  onWait?(holderPid: number): void;
  readonly signal?: AbortSignal;
  /** Fails when its folder is gone, in place of making it anew. */
  readonly keepsFolder?: boolean;
}

function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

async function readHolder(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Linking a finished file is atomic, so a half-written lock is never seen. */
async function isTaken(path: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(ownIdentity()));
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (isErrorCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Moves a dead holder's lock aside. Between reading and moving, another process may have done the
 * same and taken the lock; then what was moved belongs to the living and is put back.
 */
async function breakLock(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return;
    throw error;
  }
  const moved = await readHolder(aside);
  if (moved !== undefined && isAlive(moved)) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function acquire(path: string, options: LockOptions): Promise<void> {
  if (options.keepsFolder !== true) await mkdir(dirname(path), { recursive: true });
  const deadline = Date.now() + options.waitMs;
  let hasTold = false;
  while (!(await isTaken(path))) {
    options.signal?.throwIfAborted();
    const holder = await readHolder(path);
    if (holder === undefined) continue;
    if (!isAlive(holder)) {
      await breakLock(path);
      continue;
    }
    if (Date.now() > deadline) {
      throw new Error(`process ${String(holder.pid)} has held ${path} for too long`);
    }
    if (!hasTold) options.onWait?.(holder.pid);
    hasTold = true;
    await delay(50);
  }
}

/** Runs the work while holding the lock. Not re-entrant: one process takes it once at a time. */
export async function withLock<T>(
  path: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  await acquire(path, options);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
