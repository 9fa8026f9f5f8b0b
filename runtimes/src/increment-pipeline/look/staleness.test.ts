import { describe, expect, it } from 'vitest';
import { Staleness } from './staleness.ts';

const reading = (nowMs: number, ...oldest: readonly (string | undefined)[]) => ({
  nowMs,
  streams: new Map(
    oldest.map((oldestId, partition) => [
      partition,
      {
        incarnation: 1,
        accepted: 0n,
        entries: 0,
        bytes: 0,
        ...(oldestId === undefined ? {} : { oldestId }),
      },
    ]),
  ),
});

describe('staleness', () => {
  it('is the age of the oldest entry of any partition by the clock of Redis', () => {
    const staleness = new Staleness();

    staleness.observe(reading(10_000, '9000-0', undefined, '7500-3'), 1);

    expect(staleness.ageMs(1)).toBe(2_500);
  });

  it('is nothing when nothing waits', () => {
    const staleness = new Staleness();
    staleness.observe(reading(10_000, '9000-0'), 1);

    staleness.observe(reading(11_000, undefined), 2);

    expect(staleness.ageMs(5_000)).toBe(0);
  });

  it('goes on growing while nobody can look', () => {
    const staleness = new Staleness();

    staleness.observe(reading(10_000, '9000-0'), 100);

    expect(staleness.ageMs(5_100)).toBe(6_000);
  });

  it('is at least the time since the entry was first seen when the clock of Redis is set back', () => {
    const staleness = new Staleness();

    staleness.observe(reading(10_000, '9900-0'), 0);
    staleness.observe(reading(2_000, '9900-0'), 4_000);

    expect(staleness.ageMs(4_000)).toBe(4_000);
  });
});
