/** One play at a time over one state folder: two would answer for the same objects. */
import { withLock } from '../../backends/file-lock.ts';
import { Refusal } from '../refusal.ts';

/** Long enough for a play that is just ending to be gone. */
const waitMs = 1_000;

export async function withStateLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  let holder: number | undefined;
  let isHeld = false;
  try {
    return await withLock(path, { waitMs, onWait: (pid) => (holder = pid) }, async () => {
      isHeld = true;
      return work();
    });
  } catch (error) {
    if (isHeld || holder === undefined) throw error;
    throw new Refusal(
      `Another play (process ${String(holder)}) uses this state folder. End it with: kill ${String(holder)}, or choose another folder with --state.`,
      { cause: error },
    );
  }
}
