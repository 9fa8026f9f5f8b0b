import { Fault } from '@millrace/kit/fault';
import type { Clock } from '@millrace/kit/clock';
import { Transient } from '@millrace/kit/transient';
import { describe, expect, it } from 'vitest';
import { lastBump } from './last-bump.ts';

/** A clock on which waiting takes no time. */
function quickClock(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: (ms) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
}

function away(): Promise<void> {
  return Promise.reject(new Transient('NotConnected', 'Away.', { backend: 'redis' }));
}

describe('the bump of an import that has failed', () => {
  it('waits for a cache that comes back', async () => {
    const codes: string[] = [];
    let calls = 0;
    const bump = (): Promise<void> => {
      calls += 1;
      return calls < 4 ? away() : Promise.resolve();
    };

    await lastBump(bump, { clock: quickClock(), failed: ({ code }) => codes.push(code) });

    expect(calls).toBe(4);
    expect(codes).toEqual(['NotConnected', 'NotConnected', 'NotConnected']);
  });

  it('is given up where the cache stays away, so that the import can end', async () => {
    const clock = quickClock();

    await lastBump(away, { clock, failed: () => undefined });

    expect(clock.now()).toBe(30_000);
  });

  it('hides no mistake of the program', async () => {
    const bump = (): Promise<void> => Promise.reject(new Fault('wrong'));

    const bumping = lastBump(bump, { clock: quickClock(), failed: () => undefined });

    await expect(bumping).rejects.toThrow('wrong');
  });
});
