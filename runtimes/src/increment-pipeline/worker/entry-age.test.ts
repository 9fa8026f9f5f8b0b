import type { Clock } from '@millrace/kit/clock';
import { describe, expect, it } from 'vitest';
import { createEntryAges } from './entry-age.ts';

function manualClock(): Clock & { advance(ms: number): void } {
  let nowMs = 5_000;
  return {
    now: () => 0,
    monotonic: () => nowMs,
    sleep: () => Promise.resolve(),
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

describe('the age of the oldest entry', () => {
  it('is counted from when Redis took it', () => {
    const clock = manualClock();
    const ages = createEntryAges(clock);

    ages.saw('100000-0', { redisMs: 100_400, takenMs: clock.monotonic() });
    clock.advance(300);

    expect(ages.oldestMs()).toBe(700);
  });

  it('grows while nothing can be asked', () => {
    const clock = manualClock();
    const ages = createEntryAges(clock);

    ages.saw('100000-0', { redisMs: 100_000, takenMs: clock.monotonic() });
    clock.advance(60_000);

    expect(ages.oldestMs()).toBe(60_000);
  });

  it('never falls below the time since it was seen when a clock steps back', () => {
    const clock = manualClock();
    const ages = createEntryAges(clock);

    ages.saw('100000-0', { redisMs: 100_100, takenMs: clock.monotonic() });
    clock.advance(9_000);
    ages.saw('100000-0', { redisMs: 50_000, takenMs: clock.monotonic() });

    expect(ages.oldestMs()).toBe(9_000);
  });

  it('is nothing when all is committed', () => {
    const clock = manualClock();
    const ages = createEntryAges(clock);

    ages.saw('100000-0', { redisMs: 100_100, takenMs: clock.monotonic() });
    ages.saw(undefined, { redisMs: 100_200, takenMs: clock.monotonic() });

    expect(ages.oldestMs()).toBe(0);
  });
});
