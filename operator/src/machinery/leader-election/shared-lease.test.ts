import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../test/manual-clock.ts';
import { SharedLease } from './shared-lease.ts';
import { StallWatch } from './stall-watch.ts';

describe('the lease that threads share', () => {
  it('is valid until the earlier of both clocks, and is read by whoever has the memory', async () => {
    const clock = new ManualClock();
    const written = new SharedLease();
    const read = new SharedLease(written.buffer);

    written.allow({ monotonicMs: 10_000, wallMs: clock.now() + 5_000 });
    await clock.advance(4_999);
    const before = [read.isValid(clock), read.isExpired(clock)];
    await clock.advance(1);
    const onWall = [read.isValid(clock), read.isExpired(clock)];
    await clock.advance(5_000);

    expect([before, onWall, read.isExpired(clock)]).toEqual([[true, false], [false, false], true]);
    written.allow({ monotonicMs: 90_000, wallMs: clock.now() + 90_000 });
    written.allow(undefined);
    expect(read.isValid(clock)).toBe(false);
  });
});

describe('the watch over the main thread', () => {
  it('counts how long it has not turned, and starts over when it does', () => {
    const watch = new StallWatch({ turnedAt: 0, now: 0, periodMs: 1_000 });

    expect([watch.look(0, 1_000), watch.look(0, 2_000), watch.look(1_900, 3_000)]).toEqual([
      1_000, 2_000, 0,
    ]);
  });

  it('does not count the time in which it was stopped itself', () => {
    const watch = new StallWatch({ turnedAt: 0, now: 0, periodMs: 1_000 });

    expect(watch.look(0, 3_600_000)).toBe(2_000);
  });
});
