import { setTimeout as delay } from 'node:timers/promises';

/** Waits for a condition, not for a time; fails with what it waited for. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  withinMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await delay(20);
  }
}
