import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, turns } from '../../test/manual-clock.ts';
import { Recheck } from './recheck.ts';

describe('looking again', () => {
  const stops: AbortController[] = [];
  afterEach(() => {
    for (const stop of stops.splice(0)) stop.abort();
  });

  function checking(pass: (count: number) => number) {
    const clock = new ManualClock();
    const failures: unknown[] = [];
    let passes = 0;
    const recheck = new Recheck({
      clock,
      pass: async () => await Promise.resolve(pass(++passes)),
      onFailure: (failure) => failures.push(failure),
    });
    const stop = new AbortController();
    stops.push(stop);
    const ended = recheck.run(stop.signal);
    return { clock, recheck, failures, stop, ended, passes: () => passes };
  }

  it('begins when woken, and is woken at most once a second', async () => {
    const { clock, recheck, passes } = checking(() => Number.POSITIVE_INFINITY);
    await clock.advance(60_000);
    expect(passes()).toBe(0);

    for (let wakes = 0; wakes < 45; wakes++) {
      recheck.wake();
      await clock.advance(100);
    }

    expect(passes()).toBe(5);
    recheck.wake();
    await clock.advance(1_000);
    expect(passes()).toBe(6);
  });

  it('misses no wake that comes while a pass is under way', async () => {
    const { clock, recheck, passes } = checking((count) => {
      if (count === 1) recheck.wake();
      return Number.POSITIVE_INFINITY;
    });

    recheck.wake();
    await clock.advance(2_000);

    expect(passes()).toBe(2);
  });

  it('comes back when it is due, and within the hour in any case', async () => {
    const { clock, recheck, passes } = checking((count) =>
      count === 1 ? 30_000 : Number.POSITIVE_INFINITY,
    );
    recheck.wake();
    await clock.advance(31_000);
    expect(passes()).toBe(2);

    await clock.advance(60 * 60_000 + 1_000);

    expect(passes()).toBe(3);
  });

  it('backs off from failures, tells each, and starts over after a success', async () => {
    const { clock, recheck, failures, passes } = checking((count) => {
      if (count !== 4) throw new Error(`failure ${count}`);
      return 1_000;
    });
    recheck.wake();
    await clock.advance(20_000);

    expect(failures.length).toBeGreaterThan(3);
    expect(failures.length).toBeLessThan(8);
    expect(passes()).toBe(failures.length + 1);
  });

  it('ends when told to', async () => {
    const { stop, ended } = checking(() => 0);
    await turns(2);

    stop.abort();

    await ended;
  });
});
