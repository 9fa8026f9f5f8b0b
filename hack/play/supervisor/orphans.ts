/**
 * Ends the processes that a killed play left behind.
 *
 * Each process is named in the state folder by pid and start time while it lives. They drain by
 * themselves when play dies; what is still there at the next start is ended before anything else
 * starts, so that two processes never answer for one pod.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endProcess, isAlive } from '../../backends/process-identity.ts';
import { readRecord } from './process.ts';

const patienceMs = 5_000;

/** How many were still alive. */
export async function endOrphans(stateDir: string): Promise<number> {
  const root = join(stateDir, 'run');
  const names = await readdir(root).catch(() => []);
  const ended = await Promise.all(
    names.map(async (name) => {
      const identity = await readRecord(join(root, name, 'process.json'));
      const isOrphan = identity !== undefined && isAlive(identity);
      if (isOrphan) await endProcess(identity, ['SIGTERM'], patienceMs);
      await rm(join(root, name), { recursive: true, force: true });
      return isOrphan;
    }),
  );
  return ended.filter(Boolean).length;
}
