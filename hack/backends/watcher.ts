/**
 * Ends servers whose users are gone. A program that is killed with SIGKILL cannot clean up, so this
 * small process of its own looks twice a second at who still lives; it ends when nothing is left to
 * watch. It starts nothing and holds nothing that is lost when it is killed itself: the next start
 * on the same state folder finds the same leftovers.
 *
 *   node hack/backends/watcher.ts <state folder>
 */
import { spawn } from 'node:child_process';
import { access, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { withLock } from './file-lock.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';
import { readRecord, serverRoot, usersOf } from './server-folder.ts';
import { endServer, locked } from './server.ts';

const periodMs = 500;

function files(stateDir: string): { readonly identity: string; readonly lock: string } {
  return { identity: join(stateDir, 'watcher.json'), lock: join(stateDir, 'watcher.lock') };
}

async function livingWatcher(stateDir: string): Promise<boolean> {
  const text = await readFile(files(stateDir).identity, 'utf8').catch(() => '');
  return text !== '' && isAlive(JSON.parse(text) as ProcessIdentity);
}

/** Called after the users are registered, so a new watcher never finds the folder unused. */
export async function ensureWatcher(stateDir: string): Promise<void> {
  await withLock(files(stateDir).lock, { waitMs: 30_000 }, async () => {
    if (await livingWatcher(stateDir)) return;
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), stateDir], {
      cwd: '/',
      detached: true,
      stdio: 'ignore',
      env: {},
    });
    child.unref();
    // Under the lock the new watcher waits for us before it says who it is; nobody starts a second.
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once('spawn', resolve).once('error', reject);
    await promise;
  });
}

async function isUnused(root: string): Promise<boolean> {
  const { pids, kept } = await usersOf(root);
  return pids.length === 0 && !kept;
}

async function serverNames(stateDir: string): Promise<readonly string[]> {
  const entries = await readdir(stateDir, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Says whether anything there still needs watching. */
async function tend(root: string): Promise<boolean> {
  const { pids, kept } = await usersOf(root);
  if (pids.length > 0) return true;
  // A server that is kept stays whoever dies; its next user sees to a watcher of its own.
  if (kept || (await readRecord(root)) === undefined) return false;
  await locked(root, async () => {
    if (await isUnused(root)) await endServer(root);
  });
  return true;
}

async function watch(stateDir: string): Promise<void> {
  const { identity, lock } = files(stateDir);
  // A state folder that was removed as a whole needs nobody; making it again would be wrong.
  const patience = { waitMs: 30_000, keepsFolder: true };
  const isFirst = await withLock(lock, patience, async () => {
    if (await livingWatcher(stateDir)) return false;
    await writeFile(identity, JSON.stringify(ownIdentity()));
    return true;
  });
  let isNeeded = isFirst;
  while (isNeeded) {
    await delay(periodMs);
    if ((await readdir(stateDir).catch(() => [])).length === 0) return;
    isNeeded = await withLock(lock, patience, async () => {
      const answers = [];
      // Under the lock, or a server whose user has just relied on this watcher could be overlooked.
      for (const name of await serverNames(stateDir))
        answers.push(await tend(serverRoot(stateDir, name)));
      if (answers.includes(true)) return true;
      await rm(identity, { force: true });
      return false;
    });
  }
}

if (import.meta.main) {
  const [, , stateDir] = process.argv;
  if (stateDir === undefined) throw new Error('the state folder is missing');
  await watch(stateDir).catch(async (error: unknown) => {
    const isThere = await access(stateDir).then(
      () => true,
      () => false,
    );
    if (isThere) throw error;
  });
}
