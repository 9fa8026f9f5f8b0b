import { setTimeout as delay } from 'node:timers/promises';

/** Waits until a claim holds, by asking again; never by a fixed delay. */
export async function until(
  what: string,
  claim: () => Promise<boolean> | boolean,
  deadlineMs = 20_000,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await claim())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await delay(20);
  }
}
