import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from './clock.ts';
import { Permanent } from './permanent.ts';
import { backoffMs, retryTransient } from './retry.ts';
import { Transient } from './transient.ts';

/** A clock whose sleeps return at once and are remembered. */
function fakeClock(): Clock & { readonly sleeps: number[] } {
  const sleeps: number[] = [];
  return { sleeps, now: () => 0, monotonic: () => 0, sleep: async (ms) => void sleeps.push(ms) };
}

const away = (retryAfterMs?: number): Transient =>
  new Transient(
    'ConnectionRefused',
    'Connecting failed.',
    retryAfterMs === undefined ? {} : { retryAfterMs },
  );

describe('retryTransient', () => {
  test('tries again until the work succeeds', async () => {
    const clock = fakeClock();
    const work = async (attempt: number): Promise<number> => {
      if (attempt < 4) throw away();
      return attempt;
    };

    await expect(
      retryTransient(work, { clock, signal: new AbortController().signal }),
    ).resolves.toBe(4);
    expect(clock.sleeps).toHaveLength(3);
  });

  test('never retries what is not transient', async () => {
    const clock = fakeClock();
    const work = async (): Promise<never> => {
      throw new Permanent('SourceMissing', 'No such file.');
    };

    await expect(
      retryTransient(work, { clock, signal: new AbortController().signal }),
    ).rejects.toThrow('No such file.');
    expect(clock.sleeps).toEqual([]);
  });

  test('waits as long as the failure asks', async () => {
    const clock = fakeClock();

    await retryTransient(async (attempt) => (attempt === 1 ? Promise.reject(away(1234)) : 1), {
      clock,
      signal: new AbortController().signal,
    });

    expect(clock.sleeps).toEqual([1234]);
  });

  test('starts the back-off over after work that lasted', async () => {
    let nowMs = 0;
    const clock: Clock = { ...fakeClock(), monotonic: () => nowMs };
    const inARow: number[] = [];
    const work = async (attempt: number): Promise<void> => {
      nowMs += attempt === 3 ? 60_000 : 10;
      if (attempt < 5) throw away();
    };

    await retryTransient(work, {
      clock,
      signal: new AbortController().signal,
      onWait: (_failure, failures) => inARow.push(failures),
    });

    expect(inARow).toEqual([1, 2, 1, 2]);
  });

  test('gives up with the last failure once it is told to stop', async () => {
    const stop = new AbortController();
    const clock: Clock = { ...fakeClock(), sleep: async () => stop.abort() };

    await expect(
      retryTransient(async () => Promise.reject(away()), { clock, signal: stop.signal }),
    ).rejects.toThrow('Connecting failed.');
  });
});

test('a back-off grows to its bound and stays within its jitter', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, random) => {
        const ms = backoffMs(attempt, { baseMs: 500, maxMs: 5_000 }, random);
        const exact = Math.min(500 * 2 ** Math.min(attempt - 1, 30), 5_000);
        expect(ms).toBeGreaterThanOrEqual(exact * 0.8);
        expect(ms).toBeLessThanOrEqual(exact * 1.2);
      },
    ),
  );
});
