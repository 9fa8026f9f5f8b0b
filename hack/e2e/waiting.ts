/**
 * Waiting for something to become true, for so long and no longer. What it says when time is up is
 * the point: what was waited for, for how long, and how it looked when somebody last looked.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** What a look found: what was waited for, how far it is, or why it will never be. */
export type Look<T> =
  | { readonly found: T }
  | { readonly state: string }
  | { readonly hopeless: string };

export interface Wait<T> {
  /** Completes `waited 30 s for …`. */
  readonly what: string;
  readonly withinMs: number;
  readonly look: () => Promise<Look<T>>;
  readonly everyMs?: number;
}

const defaultEveryMs = 200;

export async function waitFor<T>({ what, withinMs, look, everyMs }: Wait<T>): Promise<T> {
  const startedMs = performance.now();
  for (;;) {
    const seen = await look().catch((error: unknown): Look<T> => ({ state: messageOf(error) }));
    if ('found' in seen) return seen.found;
    if ('hopeless' in seen) throw new Error(`${what} will not be: ${seen.hopeless}`);
    if (performance.now() - startedMs > withinMs) {
      const seconds = Math.round(withinMs / 1_000);
      throw new Error(`waited ${String(seconds)} s for ${what}; last seen: ${seen.state}`);
    }
    await delay(everyMs ?? defaultEveryMs);
  }
}

/** For what is true or not: `state` says how it looked. */
export async function waitUntil(
  what: string,
  withinMs: number,
  look: () => Promise<readonly [isTrue: boolean, state: string]>,
): Promise<void> {
  await waitFor({
    what,
    withinMs,
    look: async () => {
      const [isTrue, state] = await look();
      return isTrue ? { found: undefined } : { state };
    },
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
